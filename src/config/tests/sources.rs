//! Which file, which variable, and which of them wins.

use std::{path::Path, time::Duration};

use super::machine::Machine;
use crate::{
    bus::Delivery,
    config::{Loaded, Sources},
};

#[test]
fn the_flag_wins_over_the_variable_over_the_working_directory_over_etc() {
    let lang = |lang: &str| format!("[vk]\nlang = \"{lang}\"");
    let machine = Machine::with_access().file("etc/Fetcher.toml", lang("de"));
    assert_eq!(machine.config().vk.lang, "de");
    let machine = machine.toml(&lang("es"));
    assert_eq!(machine.config().vk.lang, "es");
    let machine = machine.file("work/named.toml", lang("fi")).var("FETCHER_CONFIG", "named.toml");
    assert_eq!(machine.config().vk.lang, "fi");
    let machine = machine.file("work/flag.toml", lang("it")).flag("flag.toml");
    assert_eq!(machine.config().vk.lang, "it");
}

#[test]
fn a_named_file_that_is_missing_is_named() {
    let machine = Machine::with_access().toml("").flag("mine.toml");
    assert_eq!(machine.mistake(), "work/mine.toml: there is no such file");
    let machine = Machine::with_access().var("FETCHER_CONFIG", "/nowhere/mine.toml");
    assert_eq!(machine.mistake(), "/nowhere/mine.toml: there is no such file");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let machine = Machine::with_access().file("work/dir.toml/x", "").flag("dir.toml");
    assert!(machine.mistake().starts_with("work/dir.toml: cannot be read: "));
}

#[test]
fn a_file_that_is_not_toml_is_named_with_the_line_and_without_its_text() {
    let machine = Machine::empty().toml("[bus]\nurl = redis://:hunter2@host\n");
    let mistakes = machine.mistakes();
    assert!(mistakes[0].contains("work/Fetcher.toml: TOML parse error at line 2"), "{mistakes:?}");
    assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    // The group id may well be in that file; the token cannot be.
    assert_eq!(mistakes.len(), 2);
    assert!(mistakes[1].starts_with("vk.token: missing"));
}

#[test]
fn the_line_of_a_key_in_an_inline_table_is_the_table_s() {
    let machine = Machine::with_access().toml("[bus]\n\nstreams = { button = \"b\" }\n");
    assert_eq!(machine.source("bus.streams.button"), "work/Fetcher.toml, line 3");
}

#[test]
fn the_line_is_that_of_the_key_in_every_notation() {
    let machine = Machine::with_access().toml(
        "vk = { lang = \"en\" }\n\n\"converter\" . command_prefixes = [\n  \"wait = 1\",\n]\n\
         [bus]\nnamespace = \"\"\"\nlease\"\"\"\nstreams.button = \"b\"\n",
    );
    assert_eq!(machine.source("vk.lang"), "work/Fetcher.toml, line 1");
    assert_eq!(machine.source("converter.command_prefixes"), "work/Fetcher.toml, line 3");
    assert_eq!(machine.source("bus.namespace"), "work/Fetcher.toml, line 7");
    assert_eq!(machine.source("bus.streams.button"), "work/Fetcher.toml, line 9");
}

#[test]
fn the_environment_wins_over_the_file() {
    let machine = Machine::with_access()
        .toml("[vk]\ngroup_id = 1\nwait = \"20s\"\ntimeout = \"20s\"\n")
        .var("FETCHER_VK__WAIT", "30s");
    let Loaded { config, access, .. } = machine.load();
    assert_eq!(access.group_id, 123);
    assert_eq!(config.vk.wait, Duration::from_secs(30));
    assert_eq!(config.vk.timeout, Duration::from_secs(20));
}

#[test]
fn a_variable_is_read_as_its_key_s_type() {
    let config = Machine::with_access()
        .var("FETCHER_BUS__NAMESPACE", "007")
        .var("FETCHER_BUS__STREAMS__BUTTON", "true")
        .var("FETCHER_VK__API_VERSION", "5.200")
        .var("FETCHER_CONVERTER__REPLY_AUTHOR", "true")
        .var("FETCHER_VK__REQUESTS_PER_SECOND", "3")
        .var("FETCHER_BUS__DELIVERY", "pubsub")
        .var("FETCHER_CONVERTER__COMMAND_PREFIXES", "[/, \"7\", бот ]")
        .config();
    assert_eq!(config.bus.namespace, "007");
    assert_eq!(config.bus.streams.button, "true");
    assert_eq!(config.vk.api_version, "5.200");
    assert!(config.converter.reply_author);
    assert_eq!(config.vk.requests_per_second, 3);
    assert_eq!(config.bus.delivery, Delivery::Pubsub);
    assert_eq!(config.converter.command_prefixes, ["/", "7", "бот"]);
    let config = Machine::with_access().var("FETCHER_CONVERTER__COMMAND_PREFIXES", "[]").config();
    assert!(config.converter.command_prefixes.is_empty());
}

#[test]
fn the_group_id_has_two_variables_and_only_one_of_them_may_be_set() {
    let machine = Machine::empty().var("TOKEN", "t").var("FETCHER_VK__GROUP_ID", "7");
    assert_eq!(machine.load().access.group_id, 7);
    let mistake = machine.var("GROUPID", "8").mistake();
    assert!(mistake.contains("set by both GROUPID and FETCHER_VK__GROUP_ID"), "{mistake}");
}

#[test]
fn the_process_s_own_sources_are_the_documented_places() {
    let sources = Sources::from_process(Some("x.toml".into()));
    assert_eq!(sources.config_flag.as_deref(), Some(Path::new("x.toml")));
    assert_eq!(sources.working_dir.join("Fetcher.toml"), Path::new("Fetcher.toml"));
    assert_eq!(sources.etc_dir, Path::new("/etc/event-fetcher"));
    assert_eq!(sources.run_secrets_dir, Path::new("/run/secrets"));
    assert!(sources.vars.contains_key("PATH"));
}
