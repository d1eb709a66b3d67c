//! Messages that VK cut short, and the whole of them.

use event_fetcher::converter::{Lookups, Rules};
use serde_json::{Value, json};

use super::updates::{CHAT, dict, dict_with, known, message, message_new, request};

fn cropped() -> Value {
    message_new(&message(&json!({ "is_cropped": true, "attachments": [{"type": "photo"}] })))
}

fn known_with(whole: &Value) -> Lookups {
    let mut known = known();
    let raw = serde_json::value::to_raw_value(whole).expect("JSON");
    known.messages.insert((CHAT, 42), raw);
    known
}

fn completed(whole: &Value) -> Value {
    dict_with(&cropped(), &known_with(whole), &Rules::default())
}

#[test]
fn case_28_a_cropped_message_asks_for_the_whole_and_no_other_does() {
    assert!(request(&cropped()).messages.iter().eq([&(CHAT, 42)]));
    for entire in [json!({}), json!({"is_cropped": false}), json!({"is_cropped": null})] {
        assert!(request(&message_new(&message(&entire))).messages.is_empty());
    }
}

#[test]
fn case_28_the_whole_replaces_what_was_cropped() {
    let event = completed(&json!({
        "from_id": 666, "peer_id": 666, "conversation_message_id": 666,
        "text": "/whole",
        "attachments": [{"type": "photo"}, {"type": "photo"}, {"type": "doc"}],
        "geo": {},
        "reply_message": {"conversation_message_id": 41, "text": "r"},
        "fwd_messages": [{"conversation_message_id": 40, "text": "f"}],
        "is_cropped": true,
    }));
    assert_eq!(event["event_type"], "command", "the whole text decides");
    assert_eq!(event["event_id"], "e1");
    assert_eq!(event["user"]["uuid"], 100);
    assert_eq!(event["peer"]["bpid"], CHAT);
    let expected = json!({
        "cmid": 42,
        "text": "/whole",
        "reply": {"cmid": 41, "text": "r"},
        "forward": [{"cmid": 40, "text": "f"}],
        "attachments": ["photo", "photo", "doc", "geo", "reply", "forward"],
    });
    assert_eq!(event["message"], expected);
}

#[test]
fn case_28_without_a_usable_whole_the_update_serves() {
    let own = dict(&cropped());
    assert_eq!(own["message"]["attachments"], json!(["photo"]));
    for useless in [
        json!({"text": "gone", "deleted": 1}),
        json!({"text": 5}),
        json!({"text": "odd", "attachments": "photo"}),
        json!([]),
        json!("text"),
        Value::Null,
    ] {
        assert_eq!(completed(&useless), own, "{useless}");
    }
    assert_eq!(completed(&json!({"text": "there", "deleted": 0}))["message"]["text"], "there");
}

#[test]
fn a_message_that_is_entire_is_never_replaced() {
    let update = message_new(&message(&json!({})));
    let known = known_with(&json!({"text": "another"}));
    assert_eq!(dict_with(&update, &known, &Rules::default())["message"]["text"], "hi");
}
