//! The configuration as its users meet it: files, environment variables and secret files in, settings
//! or a list of mistakes out.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use event_fetcher::config::{
    BusUrl, Config, ConfigError, Delivery, Lang, Loaded, LogFormat, Sources, Unrouted, load,
    load_without_access,
};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use tempfile::TempDir;

const COMMITTED: &str = include_str!("../Fetcher.toml");

/// A machine with nothing on it but what a test puts there.
struct Machine {
    root: TempDir,
    sources: Sources,
}

impl Machine {
    fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = |name: &str| {
            let dir = root.path().join(name);
            fs::create_dir(&dir).unwrap();
            dir
        };
        let sources = Sources {
            config_flag: None,
            vars: [].into(),
            working_dir: dir("work"),
            etc_dir: dir("etc"),
            run_secrets_dir: dir("secrets"),
        };
        Self { root, sources }
    }

    fn with_access() -> Self {
        Self::empty()
            .var("TOKEN", "vk1.a.token")
            .var("GROUPID", "123")
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.sources.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn toml(self, content: &str) -> Self {
        self.file("work/Fetcher.toml", content)
    }

    fn path(&self, path: &str) -> String {
        self.root.path().join(path).display().to_string()
    }

    fn flag(mut self, path: &str) -> Self {
        self.sources.config_flag = Some(path.into());
        self
    }

    fn load(&self) -> Loaded {
        load(&self.sources).unwrap_or_else(|error| panic!("{error}"))
    }

    fn config(&self) -> Config {
        self.load().config
    }

    fn token(&self) -> String {
        self.load().access.token.expose_secret().to_owned()
    }

    fn refused(&self) -> ConfigError {
        load(&self.sources).expect_err("this configuration has a mistake in it")
    }

    /// The messages, with the place of the machine cut out of paths.
    fn mistakes(&self) -> Vec<String> {
        let root = format!("{}/", self.root.path().display());
        let problems = self.refused().problems;
        problems
            .iter()
            .map(|it| it.to_string().replace(&root, ""))
            .collect()
    }

    fn mistake(&self) -> String {
        let mut mistakes = self.mistakes();
        assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
        mistakes.remove(0)
    }

    fn source(&self, key: &str) -> String {
        let root = format!("{}/", self.root.path().display());
        let origins = self.load().origins;
        let origin = origins.iter().find(|it| it.key == key).unwrap();
        origin.source.replace(&root, "")
    }
}

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

// The committed file

#[test]
fn with_token_and_group_alone_everything_has_its_documented_default() {
    let Loaded { config, access, .. } = Machine::with_access().load();
    assert_eq!(access.group_id, 123);
    assert_eq!(access.token.expose_secret(), "vk1.a.token");

    let Config {
        vk,
        converter,
        names,
        bus,
        log,
    } = config;
    assert_eq!(vk.api_url.as_str(), "https://api.vk.ru/method/");
    assert_eq!(vk.api_version, "5.199");
    assert_eq!(vk.lang, Lang::Ru);
    assert_eq!(vk.lang.as_str(), "ru");
    assert_eq!(vk.wait, Duration::from_secs(25));
    assert_eq!(vk.timeout, Duration::from_secs(10));
    assert_eq!(vk.requests_per_second, 18);
    assert_eq!(converter.command_prefixes, ["/", "!"]);
    assert!(!converter.reply_author);
    assert_eq!((names.users, names.chats), (100_000, 10_000));
    assert_eq!(names.fresh, Duration::from_secs(3600));
    assert_eq!(names.stale, Duration::from_secs(7 * 86_400));
    assert_eq!(names.unknown, Duration::from_secs(300));
    assert_eq!(bus.url.to_string(), "redis://172.18.0.40:6379");
    assert!(bus.password.is_none());
    assert_eq!(bus.namespace, "toaster");
    assert_eq!(bus.delivery, Delivery::Both);
    assert_eq!(bus.unrouted, Unrouted::Count);
    assert_eq!(bus.timeout, Duration::from_secs(5));
    assert_eq!(bus.lease, Duration::from_secs(10));
    assert_eq!(bus.repeat_window, 10_000);
    for names in [&bus.streams, &bus.channels] {
        assert_eq!(names.message, "message");
        assert_eq!(names.command, "command");
        assert_eq!(names.button, "button");
        assert_eq!(names.reaction, "reaction");
    }
    assert_eq!(log.level, "info");
    assert_eq!(log.format, LogFormat::Auto);
}

#[test]
fn the_committed_file_can_be_used_as_it_stands() {
    let machine = Machine::with_access().toml(COMMITTED);
    assert!(
        machine
            .source("vk.wait")
            .starts_with("work/Fetcher.toml, line ")
    );
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
fn origins_tell_every_key_in_the_order_of_the_committed_file() {
    let machine = Machine::with_access();
    let origins = machine.load().origins;
    let keys: Vec<_> = origins
        .iter()
        .map(|it| it.key)
        .filter(|key| *key != "vk.token")
        .collect();
    assert_eq!(keys, committed_keys());
}

#[test]
fn origins_tell_where_each_value_comes_from() {
    let machine = Machine::with_access()
        .toml("[vk]\n\n'lang' = \"en\"\n[bus]\nstreams.button = \"b\"\n")
        .var("FETCHER_VK__WAIT", "30s")
        .file("secrets/redis-password", "hunter2");
    assert_eq!(machine.source("vk.lang"), "work/Fetcher.toml, line 3");
    assert_eq!(
        machine.source("bus.streams.button"),
        "work/Fetcher.toml, line 5"
    );
    assert_eq!(
        machine.source("vk.wait"),
        "environment variable FETCHER_VK__WAIT"
    );
    assert_eq!(
        machine.source("vk.group_id"),
        "environment variable GROUPID"
    );
    assert_eq!(machine.source("vk.token"), "environment variable TOKEN");
    assert_eq!(machine.source("bus.password"), "secrets/redis-password");
    assert_eq!(machine.source("vk.timeout"), "default");
    let origins = machine.load().origins;
    let value = |key| &origins.iter().find(|it| it.key == key).unwrap().value;
    assert_eq!(value("vk.wait"), "30s");
    assert_eq!(value("vk.token"), "***");
    assert_eq!(value("converter.command_prefixes"), r#"["/", "!"]"#);
}

// Which file

#[test]
fn the_flag_wins_over_the_variable_over_the_working_directory_over_etc() {
    let lang = |lang: &str| format!("[vk]\nlang = \"{lang}\"");
    let machine = Machine::with_access().file("etc/Fetcher.toml", lang("de"));
    assert_eq!(machine.config().vk.lang, Lang::De);
    let machine = machine.toml(&lang("es"));
    assert_eq!(machine.config().vk.lang, Lang::Es);
    let machine = machine
        .file("work/named.toml", lang("fi"))
        .var("FETCHER_CONFIG", "named.toml");
    assert_eq!(machine.config().vk.lang, Lang::Fi);
    let machine = machine.file("work/flag.toml", lang("it")).flag("flag.toml");
    assert_eq!(machine.config().vk.lang, Lang::It);
}

#[test]
fn a_named_file_that_is_missing_is_named() {
    let machine = Machine::with_access().toml("").flag("mine.toml");
    assert_eq!(machine.mistake(), "work/mine.toml: there is no such file");
    let machine = Machine::with_access().var("FETCHER_CONFIG", "/nowhere/mine.toml");
    assert_eq!(
        machine.mistake(),
        "/nowhere/mine.toml: there is no such file"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let machine = Machine::with_access()
        .file("work/dir.toml/x", "")
        .flag("dir.toml");
    assert!(
        machine
            .mistake()
            .starts_with("work/dir.toml: cannot be read: ")
    );
}

#[test]
fn a_file_that_is_not_toml_is_named_with_the_line_and_without_its_text() {
    let machine = Machine::empty().toml("[bus]\nurl = redis://:hunter2@host\n");
    let mistakes = machine.mistakes();
    assert!(
        mistakes[0].contains("work/Fetcher.toml: TOML parse error at line 2"),
        "{mistakes:?}"
    );
    assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    // The group id may well be in that file; the token cannot be.
    assert_eq!(mistakes.len(), 2);
    assert!(mistakes[1].starts_with("vk.token: missing"));
}

// Environment over file

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
    let config = Machine::with_access()
        .var("FETCHER_CONVERTER__COMMAND_PREFIXES", "[]")
        .config();
    assert!(config.converter.command_prefixes.is_empty());
}

#[test]
fn the_group_id_has_two_variables_and_only_one_of_them_may_be_set() {
    let machine = Machine::empty()
        .var("TOKEN", "t")
        .var("FETCHER_VK__GROUP_ID", "7");
    assert_eq!(machine.load().access.group_id, 7);
    let mistake = machine.var("GROUPID", "8").mistake();
    assert!(
        mistake.contains("set by both GROUPID and FETCHER_VK__GROUP_ID"),
        "{mistake}"
    );
}

// Secrets

#[test]
fn a_token_file_wins_over_a_credential_over_run_secrets_over_the_variable() {
    let machine = Machine::with_access();
    assert_eq!(machine.token(), "vk1.a.token");
    let machine = machine.file("secrets/token", "mounted");
    assert_eq!(machine.token(), "mounted");
    let credentials = machine.path("credentials");
    let machine = machine
        .file("credentials/token", "credential")
        .var("CREDENTIALS_DIRECTORY", &credentials);
    assert_eq!(machine.token(), "credential");
    assert_eq!(
        machine.source("vk.token"),
        "credentials/token (wins over environment variable TOKEN)"
    );
    let machine = machine
        .var("TOKEN", "")
        .file("work/named", "named")
        .var("TOKEN_FILE", "named");
    assert_eq!(machine.token(), "named");
    assert_eq!(
        machine.source("vk.token"),
        "work/named (named by TOKEN_FILE)"
    );
}

#[test]
fn the_redis_password_has_the_same_places() {
    let password = |machine: &Machine| {
        let password = machine.config().bus.password;
        password.map(|it| it.expose_secret().to_owned())
    };
    let machine = Machine::with_access();
    assert_eq!(password(&machine), None);
    let machine = machine.var("REDIS_PASSWORD", "p w");
    assert_eq!(password(&machine).as_deref(), Some("p w"));
    let machine = machine.file("secrets/redis-password", "mounted\n");
    assert_eq!(password(&machine).as_deref(), Some("mounted"));
    let machine = machine
        .file("work/p", "named\n")
        .var("REDIS_PASSWORD_FILE", "p");
    assert!(
        machine
            .mistake()
            .contains("set by both REDIS_PASSWORD and REDIS_PASSWORD_FILE")
    );
    let machine = machine.var("REDIS_PASSWORD", "");
    assert_eq!(password(&machine).as_deref(), Some("named"));
}

#[test]
fn token_and_token_file_together_are_refused() {
    let machine = Machine::with_access()
        .file("work/named", "named")
        .var("TOKEN_FILE", "named");
    let mistake = machine.mistake();
    assert!(
        mistake.starts_with("vk.token: set by both TOKEN and TOKEN_FILE"),
        "{mistake}"
    );
}

#[test]
fn a_token_of_digits_stays_a_text() {
    assert_eq!(Machine::with_access().var("TOKEN", "0012").token(), "0012");
    let machine = Machine::with_access().file("secrets/token", "1e5");
    assert_eq!(machine.token(), "1e5");
}

#[test]
fn blanks_around_a_secret_are_not_part_of_it() {
    assert_eq!(
        Machine::with_access()
            .file("secrets/token", "abc\r\n\n")
            .token(),
        "abc"
    );
    assert_eq!(Machine::with_access().var("TOKEN", " abc\n").token(), "abc");
}

#[test]
fn empty_variables_count_as_unset() {
    let machine = Machine::empty()
        .var("TOKEN", "")
        .var("GROUPID", "")
        .var("REDIS_PASSWORD", "")
        .var("TOKEN_FILE", "")
        .var("FETCHER_CONFIG", "")
        .toml("[vk]\ngroup_id = 5")
        .file("secrets/token", "mounted");
    let loaded = machine.load();
    assert_eq!(loaded.access.group_id, 5);
    assert_eq!(loaded.access.token.expose_secret(), "mounted");
    assert!(loaded.config.bus.password.is_none());
}

#[test]
fn an_unusable_secret_file_is_named_once() {
    let machine = Machine::empty().var("GROUPID", "1");
    let machine = machine.file("secrets/token", " \n");
    assert_eq!(machine.mistake(), "vk.token: secrets/token is empty");
    let machine = machine.var("TOKEN_FILE", "gone");
    assert_eq!(
        machine.mistake(),
        "vk.token: work/gone (named by TOKEN_FILE) does not exist"
    );
    let machine = Machine::with_access().file("secrets/token", b"\xff\xfe");
    assert_eq!(
        machine.mistake(),
        "vk.token: secrets/token is not UTF-8 text"
    );
    let machine = Machine::with_access().file("secrets/redis-password/x", "");
    assert!(
        machine
            .mistake()
            .starts_with("bus.password: secrets/redis-password cannot be read: ")
    );
}

#[test]
fn a_token_unfit_for_a_header_is_refused_unseen() {
    for token in ["two words", "two\nlines", "кириллица", "bell\u{7}bell"] {
        let mistake = Machine::with_access().var("TOKEN", token).mistake();
        assert!(mistake.contains("environment variable TOKEN; expected a VK access token"));
        assert!(!mistake.contains(token), "{mistake}");
    }
    let mistake = Machine::with_access()
        .var("REDIS_PASSWORD", "two\nlines")
        .mistake();
    assert!(
        mistake.starts_with("bus.password: found a value that is not shown"),
        "{mistake}"
    );
}

#[test]
fn missing_access_tells_every_place_it_can_come_from() {
    let mistakes = Machine::empty().mistakes();
    assert_eq!(
        mistakes,
        [
            "vk.group_id: missing; set GROUPID in the environment, \
             or group_id under [vk] in Fetcher.toml",
            "vk.token: missing; set TOKEN or TOKEN_FILE, or provide the systemd credential \
             \"token\" or the file /run/secrets/token",
        ]
    );
}

#[test]
fn a_command_without_vk_neither_needs_nor_reads_the_access() {
    let machine = Machine::empty()
        .var("TOKEN_FILE", "gone")
        .var("GROUPID", "club");
    assert!(load_without_access(&machine.sources).is_ok());
    let machine = machine.var("FETCHER_BUS__LEASE", "1s");
    assert_eq!(
        load_without_access(&machine.sources)
            .unwrap_err()
            .problems
            .len(),
        1
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_told_where_to_go() {
    let machine = Machine::with_access()
        .toml("[vk]\ntoken = \"hunter2\"\n[bus]\npassword = \"hunter2\"\n")
        .var("FETCHER_VK__ACCESS_TOKEN", "hunter2");
    let mistakes = machine.mistakes();
    assert_eq!(mistakes.len(), 3);
    assert!(mistakes[0].starts_with(
        "bus.password: a secret does not belong in work/Fetcher.toml, line 4; set REDIS_PASSWORD"
    ));
    assert!(mistakes[1].starts_with(
        "vk.token: a secret does not belong in work/Fetcher.toml, line 2; set TOKEN or TOKEN_FILE"
    ));
    assert!(mistakes[2].contains("in environment variable FETCHER_VK__ACCESS_TOKEN; set TOKEN"));
    assert!(!mistakes.concat().contains("hunter2"));
}

#[test]
fn a_password_twice_is_refused() {
    let machine = Machine::with_access()
        .var("FETCHER_BUS__URL", "redis://:hunter2@localhost")
        .var("REDIS_PASSWORD", "hunter3");
    let mistake = machine.mistake();
    assert!(mistake.starts_with("bus.password: set by both bus.url (environment variable FETCHER"));
    assert!(!mistake.contains("hunter"), "{mistake}");
}

// Mistakes

#[test]
fn three_mistakes_in_one_file_are_three_messages() {
    let machine =
        Machine::with_access().toml("[vk]\nwait = 25\n[bus]\nlease = \"1s\"\n[names]\nuser = 5\n");
    let path = machine.path("work/Fetcher.toml");
    assert_eq!(
        machine.refused().to_string(),
        format!(
            "The configuration has 3 mistakes:\n\
             \x20 1. names.user: unknown key in {path}, line 6; did you mean names.users?\n\
             \x20 2. vk.wait: found 25 in {path}, line 2; \
             expected a unit after the number, as in \"25s\" or \"25m\", from 1s to 90s\n\
             \x20 3. bus.lease: found \"1s\" in {path}, line 4; \
             expected a time with its unit, from 2s to 300s, such as \"2s\"\n\
             Nothing was started. Correct the above and start again; \
             the Fetcher.toml that comes with the service explains every key."
        )
    );
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_known_one_suggested() {
    let suggested = |toml: &str| Machine::with_access().toml(toml).mistake();
    assert!(suggested("vk.wiat = \"25s\"").ends_with("did you mean vk.wait?"));
    assert!(
        suggested("[bus.stream]\nbutton = \"b\"").ends_with("did you mean bus.streams.button?")
    );
    assert!(suggested("lang = \"ru\"").ends_with("did you mean vk.lang?"));
    assert!(suggested("[bus]\nrequests_per_second = 3").ends_with("vk.requests_per_second?"));
    assert_eq!(
        suggested("[vk]\nzzz = 1"),
        "vk.zzz: unknown key in work/Fetcher.toml, line 2"
    );
    assert_eq!(
        suggested("[zzz]"),
        "zzz: unknown key in work/Fetcher.toml, line 1"
    );

    let machine = Machine::with_access().var("FETCHER_VK_WAIT", "25s");
    assert_eq!(
        machine.mistake(),
        "vk_wait: unknown key in environment variable FETCHER_VK_WAIT; \
         did you mean FETCHER_VK__WAIT?"
    );
}

#[test]
fn a_value_in_place_of_a_section_does_not_wipe_the_section_out() {
    let mistake = Machine::with_access().toml("bus = 5").mistake();
    assert!(mistake.ends_with("expected one of its keys to be set, such as bus.channels.button"));
    let mistake = Machine::with_access().var("FETCHER_VK", "5").mistake();
    assert!(mistake.ends_with("expected one of its keys to be set, such as FETCHER_VK__API_URL"));
    let mistake = Machine::with_access().toml("[vk.wait]\nx = 1").mistake();
    assert!(mistake.starts_with("vk.wait: found a table in work/Fetcher.toml, line 1; "));
}

#[test]
fn a_value_of_the_wrong_kind_or_range_is_told_with_what_was_expected() {
    let cases = [
        ("vk.api_url", r#""ftp://x""#, "an http or https address"),
        (
            "vk.api_url",
            r#""https://user:hunter2@x""#,
            "an http or https address",
        ),
        ("vk.api_version", "5.199", "a version in quotes"),
        ("vk.api_version", r#""5""#, "a version in quotes"),
        ("vk.lang", r#""fr""#, "one of \"ru\", \"ua\""),
        ("vk.wait", r#""91s""#, "from 1s to 90s"),
        ("vk.wait", r#""1500ms""#, "whole seconds"),
        ("vk.wait", r#""25 lightyears""#, "a time with its unit"),
        ("vk.wait", r#""25""#, "as in \"25s\""),
        ("vk.wait", "2.5", "a time with its unit"),
        ("vk.timeout", r#""999ms""#, "from 1s to 60s"),
        (
            "vk.requests_per_second",
            "0",
            "requests a second, from 1 to 20",
        ),
        (
            "vk.requests_per_second",
            "21",
            "requests a second, from 1 to 20",
        ),
        ("vk.requests_per_second", r#""18""#, "a whole number"),
        ("vk.requests_per_second", "1.5", "a whole number"),
        ("converter.command_prefixes", r#""/""#, "a list of texts"),
        (
            "converter.command_prefixes",
            r#"["/", ""]"#,
            "none of them empty",
        ),
        (
            "converter.command_prefixes",
            "[7]",
            "a list of texts in quotes",
        ),
        (
            "converter.reply_author",
            r#""true""#,
            "true or false, without quotes",
        ),
        ("names.users", "999", "from 1000 to 10000000"),
        ("names.chats", "99", "from 100 to 10000000"),
        ("names.fresh", r#""0s""#, "from 1s to 365d"),
        ("bus.namespace", r#""""#, "without spaces or braces"),
        ("bus.namespace", r#""a b""#, "without spaces or braces"),
        ("bus.namespace", r#""{a}""#, "without spaces or braces"),
        (
            "bus.delivery",
            "[]",
            "one or more of \"stream\", \"pubsub\"",
        ),
        ("bus.delivery", r#"["stream", "stream"]"#, "each once"),
        (
            "bus.delivery",
            r#"["kafka"]"#,
            "one or more of \"stream\", \"pubsub\"",
        ),
        (
            "bus.unrouted",
            r#""drop""#,
            "one of \"count\", \"dead-letter\"",
        ),
        ("bus.timeout", r#""99ms""#, "from 100ms to 60s"),
        ("bus.lease", r#""6m""#, "from 2s to 300s"),
        ("bus.repeat_window", "-1", "event ids, from 0 to 1000000"),
        (
            "bus.repeat_window",
            "1000001",
            "event ids, from 0 to 1000000",
        ),
        (
            "bus.streams.message",
            r#""dead-letter""#,
            "keeps \"dead-letter\" for itself",
        ),
        (
            "bus.streams.message",
            r#""lease:1""#,
            "keeps \"lease\" for itself",
        ),
        ("bus.channels.message", r#""""#, "a name"),
        ("log.level", r#""inof""#, "a filter such as"),
        ("log.level", r#""info,[""#, "a filter such as"),
        ("log.format", r#""xml""#, "\"text\", \"json\", \"journald\""),
    ];
    for (key, value, expected) in cases {
        let mistake = Machine::with_access()
            .toml(&format!("{key} = {value}"))
            .mistake();
        assert!(
            mistake.starts_with(&format!("{key}: found ")),
            "{key} = {value}: {mistake}"
        );
        assert!(
            mistake.contains("in work/Fetcher.toml, line 1; expected "),
            "{mistake}"
        );
        assert!(mistake.contains(expected), "{key} = {value}: {mistake}");
        assert!(!mistake.contains("hunter2"), "{mistake}");
    }
}

#[test]
fn values_at_the_edges_of_their_ranges_are_taken() {
    let cases = [
        ("vk.wait", r#""1s""#),
        ("vk.wait", r#""1m 30s""#),
        ("vk.requests_per_second", "1"),
        ("vk.requests_per_second", "20"),
        ("converter.command_prefixes", "[]"),
        ("names.users", "10000000"),
        ("names.stale", r#""365d""#),
        ("names.stale", r#""1h""#),
        ("names.unknown", r#""1h""#),
        ("bus.timeout", r#""100ms""#),
        ("bus.lease", r#""5m""#),
        ("bus.repeat_window", "0"),
        ("bus.url", r#""rediss://user:p%40ss@host:6380/2""#),
        ("bus.channels.message", r#""command""#),
        ("log.level", r#""WARN,event_fetcher::vk=debug""#),
    ];
    for (key, value) in cases {
        Machine::with_access()
            .toml(&format!("{key} = {value}"))
            .load();
    }
}

#[test]
fn a_group_id_in_another_form_gets_a_hint() {
    let hint = |group: &str| Machine::with_access().var("GROUPID", group).mistake();
    assert!(hint("-123").ends_with("expected the number without the minus: 123"));
    assert!(hint("club123").ends_with("expected the number alone: 123"));
    assert!(hint("public123").ends_with("expected the number alone: 123"));
    assert!(hint("0").ends_with("a whole number above 0"));
    assert!(hint("club").ends_with("a whole number above 0"));
    let quoted = Machine::empty()
        .var("TOKEN", "t")
        .toml("[vk]\ngroup_id = \"123\"");
    assert!(quoted.mistake().ends_with("without the quotes"));
}

#[test]
fn values_that_do_not_go_together_are_told_with_both_keys() {
    let machine = Machine::with_access().toml(
        "[names]\nfresh = \"2h\"\nstale = \"1h\"\nunknown = \"3h\"\n\
         [bus.streams]\nmessage = \"all\"\nbutton = \"all\"\n",
    );
    assert_eq!(
        machine.mistakes(),
        [
            "names.stale = \"1h\" (work/Fetcher.toml, line 3) must not be shorter than \
             names.fresh = \"2h\" (work/Fetcher.toml, line 2)",
            "names.unknown = \"3h\" (work/Fetcher.toml, line 4) must not be longer than \
             names.fresh = \"2h\" (work/Fetcher.toml, line 2)",
            "bus.streams.button = \"all\" (work/Fetcher.toml, line 7) must differ from \
             bus.streams.message = \"all\" (work/Fetcher.toml, line 6)",
        ]
    );
}

#[test]
fn an_api_address_gets_its_closing_slash() {
    let machine = Machine::with_access().var("FETCHER_VK__API_URL", "http://127.0.0.1:8080/method");
    assert_eq!(
        machine.config().vk.api_url.as_str(),
        "http://127.0.0.1:8080/method/"
    );
}

#[test]
fn a_bus_address_is_shown_without_what_may_be_secret() {
    let cases = [
        ("stdout:", "stdout:"),
        ("redis://host", "redis://host"),
        ("redis://user:hunter2@host:1/2", "redis://user:***@host:1/2"),
        ("rediss://:hunter2@host", "rediss://:***@host"),
        ("redis://hunter2@host", "redis://***@host"),
        ("redis://host/0?protocol=resp3", "redis://host/0"),
        ("unix:/run/redis.sock?pass=hunter2", "unix:/run/redis.sock"),
        (
            "redis+unix:///run/redis.sock?user=u&pass=hunter2",
            "redis+unix:///run/redis.sock",
        ),
    ];
    for (url, shown) in cases {
        let loaded = Machine::with_access().var("FETCHER_BUS__URL", url).load();
        let bus_url = &loaded.config.bus.url;
        assert_eq!(bus_url.to_string(), shown);
        assert!(!format!("{loaded:?}").contains("hunter2"));
        match bus_url {
            BusUrl::Stdout => assert_eq!(url, "stdout:"),
            BusUrl::Redis(redis) => assert_eq!(redis.expose(), url),
        }
    }
}

#[test]
fn a_bus_address_that_redis_would_not_take_is_refused_unseen() {
    for url in [
        "hunter2",
        "http://hunter2",
        "redis://:hunter2@host/database",
        "redis:hunter2",
        "",
    ] {
        let mistake = Machine::with_access()
            .var("FETCHER_BUS__URL", url)
            .mistake();
        assert!(
            mistake.starts_with("bus.url: found a value that is not shown"),
            "{mistake}"
        );
        assert!(!mistake.contains("hunter2"), "{mistake}");
    }
}

#[test]
fn the_process_s_own_sources_are_the_documented_places() {
    let sources = Sources::from_process(Some("x.toml".into()));
    assert_eq!(sources.config_flag.as_deref(), Some(Path::new("x.toml")));
    assert_eq!(
        sources.working_dir.join("Fetcher.toml"),
        Path::new("Fetcher.toml")
    );
    assert_eq!(sources.etc_dir, Path::new("/etc/event-fetcher"));
    assert_eq!(sources.run_secrets_dir, Path::new("/run/secrets"));
    let names: BTreeSet<_> = sources.vars.keys().collect();
    assert!(names.contains(&"PATH".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_secret_is_ever_shown(
        token in "[!-~]{16,80}",
        password in "[a-zA-Z0-9]{16,40}",
        spoiler in "[ \u{7}я]",
        in_file: bool,
    ) {
        let shown_by = |machine: &Machine| match load(&machine.sources) {
            Ok(loaded) => format!("{loaded:?} {:?} {}", loaded.config, loaded.config.bus.url),
            Err(error) => format!("{error} {error:?}"),
        };
        let place = |machine: Machine, token: &str| match in_file {
            true => machine.var("TOKEN", "").file("secrets/token", token),
            false => machine.var("TOKEN", token),
        };
        let url = format!("redis://user:{password}@host");
        let spoilt = format!("{token}{spoiler}{token}");
        let machines = [
            place(Machine::with_access(), &token).var("FETCHER_BUS__URL", &url),
            place(Machine::with_access(), &token).var("REDIS_PASSWORD", &password),
            // With mistakes, in secrets and elsewhere.
            place(Machine::with_access(), &spoilt).var("REDIS_PASSWORD", &password),
            place(Machine::with_access(), &token).var("FETCHER_VK__WAIT", "soon").var("FETCHER_BUS__URL", &url),
            place(Machine::with_access(), &token).var("FETCHER_BUS__URL", &url).var("REDIS_PASSWORD", &password),
            place(Machine::with_access(), &token).var("FETCHER_BUS__URL", &format!("{url}/{password}")),
            place(Machine::with_access(), &token).var("TOKEN_FILE", "gone").var("FETCHER_BUS__PASSWORD", &password),
            Machine::with_access().toml(&format!("[vk]\ntoken = '''{}'''\n", token.replace('\'', ""))),
            Machine::with_access().toml(&format!("[bus]\nurl = {url}\npassword = {password}\n")),
        ];
        for machine in machines {
            let shown = shown_by(&machine);
            prop_assert!(!shown.contains(&token), "{}", shown);
            prop_assert!(!shown.contains(&password), "{}", shown);
        }
    }
}
