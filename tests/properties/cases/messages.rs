//! Messages and commands.

use crate::outcome::{self, Outcome};
use event_fetcher::{converter::Rules, event::Content};
use serde_json::json;

use super::updates::{dict, dict_with, known, message, message_new, partial, update, without};

#[test]
fn case_20_an_unknown_type_is_unrouted_whatever_its_object() {
    for raw in [
        r#"{"type":"message_from_mars","object":{"peer_id":0}}"#,
        r#"{"type":"message_from_mars","object":7,"event_id":7}"#,
        r#"{"type":"message_from_mars"}"#,
    ] {
        let outcome = outcome::convert(raw, &known(), &Rules::default());
        assert_eq!(outcome, Outcome::Unrouted("message_from_mars".to_owned()));
    }
}

#[test]
fn case_20_unknown_attachments_actions_and_fields_are_no_obstacle() {
    let event = dict(&message_new(&message(&json!({
        "attachments": [{"type": "hologram", "hologram": {}}, {}, {"type": 5}, 6, null, "photo"],
        "action": {"type": "chat_teleported", "where": [1, 2]},
        "format_data": {"items": [{"deep": {"er": 1}}]},
    }))));
    let unknown = "unknown";
    let expected = json!(["hologram", unknown, unknown, unknown, unknown, unknown]);
    assert_eq!(event["message"]["attachments"], expected);

    let odd_action = dict(&message_new(&message(&json!({ "action": "chat_title_update" }))));
    assert_eq!(odd_action["event_type"], "message");
}

#[test]
fn case_24_before_5_103_the_object_is_the_message() {
    let old = update("message_new", &message(&json!({ "text": "!ban" })));
    let new = message_new(&message(&json!({ "text": "!ban" })));
    assert_eq!(dict(&old), dict(&new));
    assert_eq!(dict(&new)["event_type"], "command");
}

#[test]
fn case_24_an_update_without_an_event_id_gets_a_stable_digest() {
    let raw =
        r#"{"type":"message_new","object":{"from_id":1,"peer_id":1,"conversation_message_id":1}}"#;
    let Outcome::Event(event) = outcome::convert(raw, &known(), &Rules::default()) else {
        panic!("an event id is no condition");
    };
    // printf '%s' "$raw" | sha1sum
    assert_eq!(event.event_id, "0af9fe36d96013caae7cd824bdaa8521a611e4b4");

    let padded = format!(" \n{raw}\t\n");
    let again = outcome::convert(&padded, &known(), &Rules::default());
    assert_eq!(again, Outcome::Event(event.clone()));

    for empty in [r#""""#, "null"] {
        let raw = format!(r#"{{"event_id":{empty},{}"#, &raw[1..]);
        let Outcome::Event(other) = outcome::convert(&raw, &known(), &Rules::default()) else {
            panic!("an empty event id is none");
        };
        assert_eq!(other.event_id.len(), 40);
        assert_ne!(other.event_id, event.event_id);
    }
}

#[test]
fn an_id_is_unique_unless_it_is_a_reactions_digest() {
    let reaction = update(
        "message_reaction_event",
        &json!({ "reacted_id": 100, "peer_id": 100, "cmid": 1, "reaction_id": 1 }),
    );
    let message = message_new(&message(&json!({})));
    assert!(partial(&message).id_is_unique());
    assert!(partial(&without(message, "event_id")).id_is_unique());
    assert!(partial(&reaction).id_is_unique());
    assert!(!partial(&without(reaction, "event_id")).id_is_unique());
}

#[test]
fn a_message_is_a_command_only_from_its_very_first_character() {
    let kind = |text: &str, rules: &Rules| {
        let update = message_new(&message(&json!({ "text": text })));
        dict_with(&update, &known(), rules)["event_type"].clone()
    };
    let rules = Rules::default();
    for (text, expected) in [
        ("/command", "command"),
        ("!", "command"),
        (" /command", "message"),
        ("text /command", "message"),
        ("", "message"),
    ] {
        assert_eq!(kind(text, &rules), expected, "{text:?}");
    }
    let rules = Rules { command_prefixes: vec!["бот,".to_owned()], ..rules };
    assert_eq!(kind("бот, привет", &rules), "command");
    assert_eq!(kind("бот привет", &rules), "message");
    assert_eq!(kind("/command", &rules), "message");
}

#[test]
fn a_message_without_text_has_the_empty_text() {
    for update in [
        message_new(&without(message(&json!({})), "text")),
        message_new(&message(&json!({ "text": null }))),
    ] {
        assert_eq!(dict(&update)["message"]["text"], "");
    }
}

#[test]
fn the_words_for_location_reply_and_forward_follow_the_attachments() {
    let event = dict(&message_new(&message(&json!({
        "attachments": [{"type": "photo"}, {"type": "doc"}, {"type": "photo"}],
        "geo": {"type": "point"},
        "reply_message": {"conversation_message_id": 41, "text": "a", "from_id": 7},
        "fwd_messages": [{"text": "b", "from_id": -5}, {"conversation_message_id": 9}],
    }))));
    let expected = json!({
        "cmid": 42,
        "text": "hi",
        "reply": {"cmid": 41, "text": "a"},
        "forward": [{"cmid": 0, "text": "b"}, {"cmid": 9, "text": ""}],
        "attachments": ["photo", "doc", "photo", "geo", "reply", "forward"],
    });
    assert_eq!(event["message"].to_string(), expected.to_string());

    let nulls = json!({
        "attachments": null, "geo": null, "reply_message": null, "fwd_messages": null,
    });
    assert_eq!(dict(&message_new(&message(&nulls))), dict(&message_new(&message(&json!({})))));
}

#[test]
fn replies_carry_their_author_when_asked_to() {
    let rules = Rules { reply_author: true, ..Rules::default() };
    let update = message_new(&message(&json!({
        "reply_message": {"conversation_message_id": 41, "text": "a", "from_id": 7},
        "fwd_messages": [{"text": "b", "from_id": -5}, {"text": "c"}],
    })));
    let event = dict_with(&update, &known(), &rules);
    assert_eq!(event["message"]["reply"].to_string(), r#"{"cmid":41,"text":"a","uuid":7}"#);
    let forward = r#"[{"cmid":0,"text":"b","uuid":-5},{"cmid":0,"text":"c"}]"#;
    assert_eq!(event["message"]["forward"].to_string(), forward);
}

#[test]
fn the_conversation_of_a_forward_is_known_beside_the_json() {
    let update = message_new(&message(&json!({
        "fwd_messages": [{"peer_id": 2_000_000_001}, {"peer_id": "odd"}, {}],
    })));
    let Outcome::Event(event) = outcome::convert(&update.to_string(), &known(), &Rules::default())
    else {
        panic!("a message");
    };
    let Content::Message(message) = &event.content else { panic!("a message") };
    let conversations: Vec<_> = message.forward.iter().map(|it| it.bpid).collect();
    assert_eq!(conversations, [Some(2_000_000_001), None, None]);
    let forward = r#"[{"cmid":0,"text":""},{"cmid":0,"text":""},{"cmid":0,"text":""}]"#;
    assert_eq!(event.as_dict()["message"]["forward"].to_string(), forward);
}

#[test]
fn forwards_nested_thousands_deep_are_no_danger() {
    for depth in [50, 5_000, 50_000] {
        let open = r#"{"from_id":1,"text":"in","fwd_messages":["#.repeat(depth);
        let nested = format!("{open}{}", "]}".repeat(depth));
        let raw = format!(
            r#"{{"deep":{nested},"type":"message_new","event_id":"e","object":{{"message":{{
            "from_id":1,"peer_id":1,"conversation_message_id":1,"text":"out","odd":{nested},
            "geo":{nested},"reply_message":{nested},"fwd_messages":[{nested},{nested}]}}}}}}"#
        );
        let Outcome::Event(event) = outcome::convert(&raw, &known(), &Rules::default()) else {
            panic!("depth {depth} is no obstacle");
        };
        let message = &event.as_dict()["message"];
        assert_eq!(message["text"], "out");
        assert_eq!(message["reply"], json!({"cmid": 0, "text": "in"}));
        assert_eq!(message["forward"].as_array().map(Vec::len), Some(2));
    }
}
