//! What is refused, and in which words.

use super::machine::Machine;
use crate::bus::Encoding;

/// A line of a file, and what the message about it says.
const REFUSED: &str = r#"vk.api_url = "ftp://x" => an http or https address
vk.api_url = "https://user:hunter2@x" => an http or https address
vk.api_url = "https://:hunter2@x" => an http or https address
vk.api_url = "https://x/?token=hunter" => an http or https address
vk.api_version = 5.199 => a version in quotes
vk.api_version = "5" => a version in quotes
vk.lang = "fr" => one of "ru", "ua"
vk.session_check = "2h" => from 1s to 1h
vk.tls.ca = 1 => the path of a PEM file
vk.wait = "91s" => from 1s to 90s
vk.wait = "1500ms" => whole seconds
vk.wait = "25 lightyears" => a duration with its unit
vk.wait = "25" => as in "25s"
vk.wait = 2.5 => a duration with its unit
vk.timeout = "999ms" => from 1s to 1m
vk.requests_per_second = 0 => requests a second, from 1 to 20
vk.requests_per_second = 21 => requests a second, from 1 to 20
vk.requests_per_second = "18" => a whole number
vk.requests_per_second = 1.5 => a whole number
converter.command_prefixes = "/" => a list of texts
converter.command_prefixes = ["/", ""] => none of them empty
converter.command_prefixes = [7] => a list of texts in quotes
converter.reply_author = "true" => true or false, without quotes
names.users = 999 => from 1000 to 10000000
names.chats = 99 => from 100 to 10000000
names.soft_ttl = "0s" => from 1s to 365d
names.unresolved = "drop" => one of "deliver", "wait"
names.unresolved_after = "0s" => from 1s to 1h
bus.namespace = "" => without spaces or braces
bus.namespace = "a b" => without spaces or braces
bus.namespace = "{a}" => without spaces or braces
bus.delivery = [] => one or more of "stream", "pubsub"
bus.delivery = ["stream", "stream"] => each once
bus.delivery = ["kafka"] => one or more of "stream", "pubsub"
bus.unrouted = "drop" => one of "count", "dead-letter"
bus.timeout = "99ms" => from 100ms to 1m
bus.lease = "6m" => from 2s to 5m
bus.durability = "replicas=0" => "none", "aof" or "replicas=N"
bus.durability = 2 => "none", "aof" or "replicas=N"
bus.tls.ca = 1 => the path of a PEM file
bus.stream_length = -1 => entries, from 0 to 1000000000
bus.dedup_window = -1 => event ids, from 0 to 1000000
bus.dedup_window = 1000001 => event ids, from 0 to 1000000
bus.streams.message = "names:1:ru" => keeps "names" for itself
bus.streams.message = "dead-letter" => keeps "dead-letter" for itself
bus.streams.message = "lease:1" => keeps "lease" for itself
bus.streams.message = "position:1" => keeps "position" for itself
bus.channels.message = "" => a name
bus.pubsub.encoding = "dill" => one of "json", "pickle"
bus.pubsub.classes = "vkbot" => "toaster", "funcka_bots"
bus.pubsub.classes = ["toaster"] => "toaster", "funcka_bots"
bus.pubsub.classes = "Event objects" => such as "handler.events.Event handler.objects"
bus.pubsub.classes = "a.Event b.c d" => such as "handler.events.Event handler.objects"
bus.pubsub.classes = "a.Event b.1" => such as "handler.events.Event handler.objects"
bus.pubsub.classes = "a..Event b" => such as "handler.events.Event handler.objects"
bus.pubsub.classes = "a.Event\nb c" => such as "handler.events.Event handler.objects"
http.listen = "8080" => an IP address with a port
http.listen = 8080 => an IP address with a port
http.hosts = "host" => a list of host names
http.hosts = ["host:80"] => without scheme or port
http.hosts = [""] => a list of host names
log.level = "inof" => a filter such as
log.level = "info,vk=loud" => a filter such as
log.level = "info,[" => a filter such as
log.format = "xml" => "text", "json", "journald""#;

#[test]
fn three_mistakes_in_one_file_are_three_messages() {
    let machine =
        Machine::with_access().toml("[vk]\nwait = 25\n[bus]\nlease = \"1s\"\n[names]\nuser = 5\n");
    let path = machine.path("work/Fetcher.toml");
    assert_eq!(
        machine.error().to_string(),
        format!(
            "The configuration has 3 mistakes:\n\
             \x20 1. names.user: unknown key in {path}, line 6; did you mean names.users?\n\
             \x20 2. vk.wait: found 25 in {path}, line 2; \
             expected a unit after the number, as in \"25s\", from 1s to 90s\n\
             \x20 3. bus.lease: found \"1s\" in {path}, line 4; \
             expected a duration with its unit, from 2s to 5m, such as \"2s\"\n\
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
    assert_eq!(suggested("[vk]\nzzz = 1"), "vk.zzz: unknown key in work/Fetcher.toml, line 2");
    assert_eq!(suggested("[zzz]"), "zzz: unknown key in work/Fetcher.toml, line 1");

    let machine = Machine::with_access().var("FETCHER_VK_WAIT", "25s");
    assert_eq!(
        machine.mistake(),
        "vk_wait: unknown key in environment variable FETCHER_VK_WAIT; \
         did you mean FETCHER_VK__WAIT?"
    );
}

#[test]
fn the_error_for_a_renamed_key_has_its_new_name() {
    let renamed = |toml: &str| Machine::with_access().toml(toml).mistake();
    let source = "found in work/Fetcher.toml, line 1";
    for (old, new) in [
        ("names.fresh", "names.soft_ttl"),
        ("names.stale", "names.hard_ttl"),
        ("names.unknown", "names.negative_ttl"),
        ("bus.repeat_window", "bus.dedup_window"),
    ] {
        assert_eq!(renamed(&format!("{old} = 1")), format!("{old}: renamed to {new}; {source}"));
    }
    let machine = Machine::with_access().var("FETCHER_NAMES__FRESH", "2h");
    assert!(machine.mistake().contains("renamed to FETCHER_NAMES__SOFT_TTL; found in"));
}

#[test]
fn a_mistake_that_another_layer_overrides_is_none() {
    let machine = Machine::with_access().toml("vk.wait = 25").var("FETCHER_VK__WAIT", "30s");
    assert_eq!(machine.config().vk.wait.as_secs(), 30);
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
fn the_error_for_a_wrong_type_or_range_has_the_expected_value() {
    for case in REFUSED.lines() {
        let (toml, expected) = case.split_once(" => ").unwrap();
        let (key, _) = toml.split_once(" = ").unwrap();
        let mistake = Machine::with_access().toml(toml).mistake();
        assert!(mistake.starts_with(&format!("{key}: found ")), "{case}: {mistake}");
        assert!(mistake.contains("in work/Fetcher.toml, line 1; expected "), "{mistake}");
        assert!(mistake.contains(expected), "{case}: {mistake}");
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
        ("names.hard_ttl", r#""365d""#),
        ("names.hard_ttl", r#""1h""#),
        ("names.negative_ttl", r#""1h""#),
        ("bus.timeout", r#""100ms""#),
        ("bus.lease", r#""5m""#),
        ("bus.dedup_window", "0"),
        ("bus.url", r#""rediss://user:p%40ss@host:6380/2""#),
        ("bus.url", r#""redis+sentinel://user:pw@a:26379,b:26379/master/2""#),
        ("bus.url", r#""rediss+cluster://a:7000,b:7001""#),
        ("bus.durability", r#""replicas=2""#),
        ("http.listen", r#""""#),
        ("bus.channels.message", r#""command""#),
        ("log.level", r#""WARN,event_fetcher::vk=debug""#),
    ];
    for (key, value) in cases {
        Machine::with_access().toml(&format!("{key} = {value}")).load();
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
    let quoted = Machine::empty().var("TOKEN", "t").toml("[vk]\ngroup_id = \"123\"");
    assert!(quoted.mistake().ends_with("without the quotes"));
}

#[test]
fn the_error_for_a_contradiction_has_both_keys() {
    let machine = Machine::with_access().toml(
        "[names]\nsoft_ttl = \"2h\"\nhard_ttl = \"1h\"\nnegative_ttl = \"3h\"\n\
         [bus.streams]\nmessage = \"all\"\nbutton = \"all\"\n\
         [bus.tls]\ncertificate = \"a.pem\"\n",
    );
    assert_eq!(
        machine.mistakes(),
        [
            "names.hard_ttl = \"1h\" (work/Fetcher.toml, line 3) must not be shorter than \
             names.soft_ttl = \"2h\" (work/Fetcher.toml, line 2)",
            "names.negative_ttl = \"3h\" (work/Fetcher.toml, line 4) must not be longer than \
             names.soft_ttl = \"2h\" (work/Fetcher.toml, line 2)",
            "bus.tls.certificate = \"a.pem\" (work/Fetcher.toml, line 9) must be set together with \
             bus.tls.key = \"\" (default)",
            "bus.streams.button = \"all\" (work/Fetcher.toml, line 7) must differ from \
             bus.streams.message = \"all\" (work/Fetcher.toml, line 6)",
        ]
    );
}

#[test]
fn pickles_need_the_authors_of_replies() {
    let pickle = "[bus.pubsub]\nencoding = \"pickle\"\n";
    assert_eq!(
        Machine::with_access().toml(pickle).mistake(),
        "bus.pubsub.encoding = \"pickle\" (work/Fetcher.toml, line 2) does not go with \
         converter.reply_author = false (default)"
    );
    let machine = Machine::with_access().toml(&format!("converter.reply_author = true\n{pickle}"));
    assert_eq!(machine.config().bus.pubsub.encoding, Encoding::Pickle);
}

#[test]
fn the_classes_of_pickles_are_a_preset_or_two_paths() {
    let classes = |classes: &str| {
        let toml = format!(
            "converter.reply_author = true\n\
             [bus.pubsub]\nencoding = \"pickle\"\nclasses = \"{classes}\"\n"
        );
        let it = Machine::with_access().toml(&toml).config().bus.pubsub.classes;
        [it.event_module, it.event_class, it.objects_module]
    };
    assert_eq!(
        classes("toaster"),
        ["toaster.broker.events.events", "Event", "toaster.broker.events.objects"]
    );
    assert_eq!(
        classes("funcka_bots"),
        ["funcka_bots.events.events", "VkEvent", "funcka_bots.events.objects"]
    );
    assert_eq!(classes("my.events.E_1 _objects"), ["my.events", "E_1", "_objects"]);
}

#[test]
fn an_api_address_gets_its_closing_slash() {
    let machine = Machine::with_access().var("FETCHER_VK__API_URL", "http://127.0.0.1:8080/method");
    assert_eq!(machine.config().vk.api_url.as_str(), "http://127.0.0.1:8080/method/");
}
