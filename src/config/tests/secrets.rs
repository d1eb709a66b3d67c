//! The token and the Redis password: their places, and that they are never shown.

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::machine::Machine;
use crate::{
    bus::BusUrl,
    config::{layers::Layers, load, load_without_access},
};

#[test]
fn a_token_file_wins_over_a_credential_over_run_secrets_over_the_variable() {
    let machine = Machine::with_access();
    assert_eq!(machine.token(), "vk1.a.token");
    let machine = machine.file("secrets/token", "mounted");
    assert_eq!(machine.token(), "mounted");
    let credentials = machine.path("credentials");
    let machine =
        machine.file("credentials/token", "credential").var("CREDENTIALS_DIRECTORY", &credentials);
    assert_eq!(machine.token(), "credential");
    assert_eq!(
        machine.source("vk.token"),
        "credentials/token (wins over environment variable TOKEN)"
    );
    let machine = machine.var("TOKEN", "").file("work/named", "named").var("TOKEN_FILE", "named");
    assert_eq!(machine.token(), "named");
    assert_eq!(machine.source("vk.token"), "work/named (named by TOKEN_FILE)");
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
    let machine = machine.file("work/p", "named\n").var("REDIS_PASSWORD_FILE", "p");
    assert!(machine.mistake().contains("set by both REDIS_PASSWORD and REDIS_PASSWORD_FILE"));
    let machine = machine.var("REDIS_PASSWORD", "");
    assert_eq!(password(&machine).as_deref(), Some("named"));
}

#[test]
fn token_and_token_file_together_are_refused() {
    let machine = Machine::with_access().file("work/named", "named").var("TOKEN_FILE", "named");
    let mistake = machine.mistake();
    assert!(mistake.starts_with("vk.token: set by both TOKEN and TOKEN_FILE"), "{mistake}");
}

#[test]
fn a_token_of_digits_stays_a_text() {
    assert_eq!(Machine::with_access().var("TOKEN", "0012").token(), "0012");
    let machine = Machine::with_access().file("secrets/token", "1e5");
    assert_eq!(machine.token(), "1e5");
}

#[test]
fn blanks_around_a_secret_are_not_part_of_it() {
    assert_eq!(Machine::with_access().file("secrets/token", "abc\r\n\n").token(), "abc");
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
    assert_eq!(machine.mistake(), "vk.token: work/gone (named by TOKEN_FILE) does not exist");
    let machine = Machine::with_access().file("secrets/token", b"\xff\xfe");
    assert_eq!(machine.mistake(), "vk.token: secrets/token is not UTF-8 text");
    let machine = Machine::with_access().file("secrets/redis-password/x", "");
    assert!(machine.mistake().starts_with("bus.password: secrets/redis-password cannot be read: "));
}

#[test]
fn a_token_unfit_for_a_header_is_refused_unseen() {
    for token in ["two words", "two\nlines", "кириллица", "bell\u{7}bell"] {
        let mistake = Machine::with_access().var("TOKEN", token).mistake();
        assert!(mistake.contains("environment variable TOKEN; expected a VK access token"));
        assert!(!mistake.contains(token), "{mistake}");
    }
    let mistake = Machine::with_access().var("REDIS_PASSWORD", "two\nlines").mistake();
    assert!(mistake.starts_with("bus.password: found a value that is not shown"), "{mistake}");
}

#[test]
fn a_token_put_where_the_group_id_belongs_is_not_shown() {
    let token = "vk1.a.".to_owned() + &"x".repeat(80);
    let mistake = Machine::with_access().var("GROUPID", &token).mistake();
    assert!(mistake.starts_with("vk.group_id: found a text of 86 characters"), "{mistake}");
}

#[test]
fn the_error_for_missing_access_has_every_possible_place() {
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
    let machine = Machine::empty().var("TOKEN_FILE", "gone").var("GROUPID", "club");
    assert!(load_without_access(&machine.sources).is_ok());
    let machine = machine.var("FETCHER_BUS__LEASE", "1s");
    assert_eq!(load_without_access(&machine.sources).unwrap_err().problems.len(), 1);
}

#[test]
fn the_error_for_a_misplaced_secret_has_the_right_places() {
    let machine = Machine::with_access()
        .toml("[vk]\ntoken = \"hunter2\"\n[bus]\npassword = \"hunter2\"\n")
        .var("FETCHER_VK__ACCESS_TOKEN", "hunter2");
    let mistakes = machine.mistakes();
    assert_eq!(mistakes.len(), 3);
    assert!(mistakes[0].starts_with(
        "vk.token: a secret does not belong in work/Fetcher.toml, line 2; set TOKEN or TOKEN_FILE"
    ));
    assert!(mistakes[1].starts_with(
        "bus.password: a secret does not belong in work/Fetcher.toml, line 4; set REDIS_PASSWORD"
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
        ("redis+unix:///run/redis.sock?user=u&pass=hunter2", "redis+unix:///run/redis.sock"),
    ];
    for (url, shown) in cases {
        let loaded = Machine::with_access().var("FETCHER_BUS__URL", url).load();
        let bus_url = &loaded.config.bus.url;
        assert_eq!(bus_url.to_string(), shown);
        assert!(!format!("{loaded:?}").contains("hunter2"));
        match bus_url {
            BusUrl::Stdout => assert_eq!(url, "stdout:"),
            BusUrl::Redis(redis) => assert_eq!(redis.any_address(), url),
        }
    }
}

#[test]
fn the_address_of_the_bus_with_another_password_is_another() {
    let url = |url: &str| Machine::with_access().var("FETCHER_BUS__URL", url).config().bus.url;
    let running = url("redis://:one@host");
    assert!(running.is_same_as(&url("redis://:one@host")));
    for other in ["redis://:two@host", "redis://:one@other", "stdout:"] {
        assert!(!running.is_same_as(&url(other)), "{other}");
    }
}

#[test]
fn the_addresses_of_several_servers_are_shown_without_login() {
    let sentinel = "redis+sentinel://user:hunter2@a:26379,b:26380/master/2";
    let cluster = "rediss+cluster://:hunter2@a:7000,b:7001";
    let cases = [
        (sentinel, "redis+sentinel://a:26379,b:26380/master/2", "redis://user:hunter2@a:26379/2"),
        (cluster, "rediss+cluster://a:7000,b:7001", "rediss://:hunter2@a:7000"),
    ];
    for (url, shown, first) in cases {
        let loaded = Machine::with_access().var("FETCHER_BUS__URL", url).load();
        assert_eq!(loaded.config.bus.url.to_string(), shown);
        assert!(!format!("{loaded:?}").contains("hunter2"));
        let BusUrl::Redis(redis) = &loaded.config.bus.url else { panic!("{url} is a Redis") };
        assert_eq!(redis.any_address(), first);
    }
    for url in [
        "redis+sentinel://a:1",
        "redis+sentinel://a:1/master/2?pass=hunter2",
        "redis+cluster://a:1?pass=hunter2",
        "redis+cluster://a:1/0",
        "redis+cluster://a:x",
        "redis+x://a",
    ] {
        let mistake = Machine::with_access().var("FETCHER_BUS__URL", url).mistake();
        assert!(mistake.starts_with("bus.url: found a value that is not shown"), "{mistake}");
    }
}

#[test]
fn a_contradiction_with_the_bus_address_does_not_show_its_password() {
    let mistake = Machine::with_access()
        .var("FETCHER_BUS__URL", "redis+cluster://:hunter2@a:1")
        .var("FETCHER_BUS__DURABILITY", "aof")
        .mistake();
    assert!(mistake.contains("must be \"none\" with a cluster in bus.url"), "{mistake}");
    assert!(!mistake.contains("hunter2"), "{mistake}");
}

#[test]
fn a_bus_address_that_redis_would_not_take_is_refused_unseen() {
    for url in ["hunter2", "http://hunter2", "redis://:hunter2@host/database", "redis:hunter2", ""]
    {
        let mistake = Machine::with_access().var("FETCHER_BUS__URL", url).mistake();
        assert!(mistake.starts_with("bus.url: found a value that is not shown"), "{mistake}");
        assert!(!mistake.contains("hunter2"), "{mistake}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

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
        } + &format!("{:?} {:?}", machine.sources, Layers::read(&machine.sources));
        let place = |machine: Machine, token: &str| if in_file {
            machine.var("TOKEN", "").file("secrets/token", token)
        } else {
            machine.var("TOKEN", token)
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
