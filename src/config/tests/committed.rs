//! The committed `Fetcher.toml`: its defaults and its comments.

use std::time::Duration;

use figment::{Figment, error::Kind, providers::Serialized, value::Value};
use secrecy::ExposeSecret;

use super::machine::Machine;
use crate::{
    bus::{Delivery, Encoding, Unrouted},
    config::{Config, Loaded, file::entries, layers::REFERENCE as COMMITTED},
    enrich::Unresolved,
    ops::telemetry::LogFormat,
};

/// The keys of the committed file in their order, with commented-out ones.
fn committed_keys() -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in COMMITTED.lines() {
        let shown = line.strip_prefix("# group_id").map_or(line, |_| &line[2..]);
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if !shown.starts_with('#')
            && let Some((name, _)) = shown.split_once(" = ")
        {
            keys.push(format!("{section}.{name}"));
        }
    }
    keys
}

#[test]
fn with_token_and_group_alone_everything_has_its_documented_default() {
    let Loaded { config, access, .. } = Machine::with_access().load();
    assert_eq!(access.group_id, 123);
    assert_eq!(access.token.expose_secret(), "vk1.a.token");

    let Config { vk, converter, names, bus, http, log } = config;
    assert_eq!(vk.api_url.as_str(), "https://api.vk.ru/method/");
    assert_eq!(vk.api_version, "5.199");
    assert_eq!(vk.group_id, Some(123));
    assert_eq!(vk.lang, "ru");
    assert_eq!(vk.wait, Duration::from_secs(25));
    assert_eq!(vk.session_check, Duration::from_secs(300));
    assert_eq!(vk.tls.ca, None);
    assert_eq!(vk.timeout, Duration::from_secs(10));
    assert_eq!(vk.requests_per_second, 18);
    assert_eq!(converter.command_prefixes, ["/", "!"]);
    assert!(!converter.reply_author);
    assert_eq!((names.users, names.chats), (100_000, 10_000));
    assert_eq!(names.soft_ttl, Duration::from_secs(3600));
    assert_eq!(names.hard_ttl, Duration::from_secs(7 * 86_400));
    assert_eq!(names.negative_ttl, Duration::from_secs(300));
    assert_eq!(names.unresolved, Unresolved::Deliver);
    assert_eq!(names.unresolved_after, Duration::from_secs(60));
    assert_eq!(bus.url.to_string(), "redis://172.18.0.40:6379");
    assert!(bus.password.is_none());
    assert_eq!(bus.namespace, "toaster");
    assert_eq!(bus.delivery, Delivery::Both);
    assert_eq!(bus.unrouted, Unrouted::Count);
    assert_eq!(bus.timeout, Duration::from_secs(5));
    assert_eq!(bus.lease, Duration::from_secs(10));
    assert_eq!(http.listen.unwrap().to_string(), "0.0.0.0:8080");
    assert!(http.page);
    assert!(http.hosts.is_empty());
    assert_eq!(bus.stream_length, 1_000_000);
    assert_eq!(bus.dedup_window, 10_000);
    for names in [&bus.streams, &bus.channels] {
        assert_eq!(names.message, "message");
        assert_eq!(names.command, "command");
        assert_eq!(names.button, "button");
        assert_eq!(names.reaction, "reaction");
    }
    assert_eq!(bus.pubsub.encoding, Encoding::Json);
    assert_eq!(log.level, "info");
    assert_eq!(log.format, LogFormat::Auto);
}

#[test]
fn the_committed_file_is_valid_as_it_is() {
    let machine = Machine::with_access().toml(COMMITTED);
    assert!(machine.source("vk.wait").starts_with("work/Fetcher.toml, line "));
}

#[test]
fn the_committed_file_and_the_structs_have_the_same_keys() {
    let entries = entries("reference".as_ref(), &COMMITTED.into(), &|_| false).unwrap();
    let keys = || entries.iter().map(|it| (it.key.clone(), it.value.clone()));
    let extract = |keys: Vec<(String, Value)>| {
        let layer = |figment: Figment, (key, value): (String, _)| {
            figment.merge(Serialized::default(&key, value))
        };
        keys.into_iter().fold(Figment::new(), layer).extract::<Config>().map_err(|it| it.kind)
    };
    extract(keys().collect()).unwrap();
    for entry in &entries {
        // No field has a default beside the committed one ...
        let without = extract(keys().filter(|(key, _)| *key != entry.key).collect()).unwrap_err();
        assert!(matches!(without, Kind::MissingField(_)), "{}: {without}", entry.key);
        // ... and no section takes a key that it does not list.
        let (section, _) = entry.key.rsplit_once('.').unwrap();
        let another = format!("{section}.another");
        let with = extract(keys().chain([(another, 1.into())]).collect()).unwrap_err();
        assert!(matches!(with, Kind::UnknownField(..)), "{section}: {with}");
    }
}

#[test]
fn every_key_and_section_of_the_committed_file_has_a_comment_above() {
    let lines: Vec<_> = COMMITTED.lines().collect();
    for pair in lines.windows(2) {
        let [above, line] = [pair[0], pair[1]];
        let is_key = !line.starts_with('#') && !line.is_empty();
        if is_key {
            assert!(above.starts_with("# "), "{line} has no comment");
        }
    }
}

#[test]
fn origins_have_every_key_in_the_order_of_the_committed_file() {
    let machine = Machine::with_access();
    let origins = machine.load().origins;
    let keys: Vec<_> =
        origins.iter().map(|it| it.key.as_str()).filter(|key| *key != "vk.token").collect();
    assert_eq!(keys, committed_keys());
}

#[test]
fn origins_have_the_source_of_each_value() {
    let machine = Machine::with_access()
        .toml("[vk]\n\n'lang' = \"en\"\n[bus]\nstreams.button = \"b\"\n")
        .var("FETCHER_VK__WAIT", "30s")
        .file("secrets/redis-password", "hunter2");
    assert_eq!(machine.source("vk.lang"), "work/Fetcher.toml, line 3");
    assert_eq!(machine.source("bus.streams.button"), "work/Fetcher.toml, line 5");
    assert_eq!(machine.source("vk.wait"), "environment variable FETCHER_VK__WAIT");
    assert_eq!(machine.source("vk.group_id"), "environment variable GROUPID");
    assert_eq!(machine.source("vk.token"), "environment variable TOKEN");
    assert_eq!(machine.source("bus.password"), "secrets/redis-password");
    assert_eq!(machine.source("vk.timeout"), "default");
    let origins = machine.load().origins;
    let value = |key| &origins.iter().find(|it| it.key == key).unwrap().value;
    assert_eq!(value("vk.wait"), "30s");
    assert_eq!(value("vk.token"), "***");
    assert_eq!(value("converter.command_prefixes"), r#"["/", "!"]"#);
}

#[test]
fn the_comment_of_a_key_has_the_range_and_the_choices_that_are_checked() {
    let mut comment = String::new();
    let mut keys = committed_keys().into_iter();
    let mut checked = 0;
    for line in COMMITTED.lines() {
        if line.starts_with("# group_id = ") {
            keys.next();
        } else if line.starts_with('#') {
            comment += line;
        } else if line.contains(" = ") {
            let key = keys.next().unwrap();
            let mistake = Machine::with_access().toml(&format!("{key} = {{}}")).mistake();
            if let Some((_, range)) = mistake.split_once(", from ") {
                let range = range.split(',').next().unwrap();
                assert!(comment.contains(range), "{key}: {range} is not in {comment:?}");
                checked += 1;
            }
            if mistake.contains("one of ") || mistake.contains("one or more of ") {
                for word in mistake.split('"').skip(1).step_by(2) {
                    assert!(comment.contains(word), "{key}: {word} is not in {comment:?}");
                    checked += 1;
                }
            }
        } else {
            comment.clear();
        }
    }
    assert!(checked > 20, "{checked}");
}
