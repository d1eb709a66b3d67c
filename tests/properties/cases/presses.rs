//! Presses on callback buttons, and reactions.

use event_fetcher::event::Event;
use serde_json::{Value, json};

use super::updates::{CHAT, dict, merged, rejection_of, update, without};

fn press(extra: &Value) -> Value {
    let usual = json!({ "user_id": 100, "peer_id": CHAT, "event_id": "b1" });
    update("message_event", &merged(usual, extra))
}

fn payload(extra: &Value) -> Value {
    dict(&press(extra))["button"]["payload"].clone()
}

#[test]
fn a_press_becomes_a_button_with_its_own_id() {
    let event = dict(&press(&json!({ "payload": {"a": 1}, "conversation_message_id": 8 })));
    assert_eq!(event["event_type"], "button");
    assert_eq!(event["event_id"], "e1");
    assert_eq!(event["button"].to_string(), r#"{"cmid":8,"beid":"b1","payload":{"a":1}}"#);
    assert_eq!(event["user"]["nick"], "annap");
    assert_eq!(event["peer"]["name"], "Chat seven");
}

#[test]
fn case_22_a_press_on_a_conversations_keyboard_has_no_message() {
    assert_eq!(dict(&press(&json!({})))["button"]["cmid"], 0);
    assert_eq!(dict(&press(&json!({ "conversation_message_id": null })))["button"]["cmid"], 0);
}

#[test]
fn case_23_a_payload_may_be_any_json_value() {
    for value in [json!([1, "a"]), json!(5), json!(0.5), json!(true), json!("text"), json!("")] {
        assert_eq!(payload(&json!({ "payload": value.clone() })), value);
    }
    assert_eq!(payload(&json!({})), json!({}));
    assert_eq!(payload(&json!({ "payload": null })), json!({}));
}

#[test]
fn case_23_a_payload_that_is_the_text_of_an_object_is_that_object() {
    let text = r#" {"command":"start","z":1,"a":2} "#;
    let object = payload(&json!({ "payload": text }));
    assert_eq!(object.to_string(), r#"{"command":"start","z":1,"a":2}"#);
    for other in ["[1]", "5", "null", r#""{}""#, "{", "{}{}"] {
        assert_eq!(payload(&json!({ "payload": other })), json!(other));
    }
}

#[test]
fn case_23_a_nested_not_supported_button_is_an_ordinary_message() {
    let inner = json!({"command": "not_supported_button", "payload": "{\"a\":1}"}).to_string();
    let event = dict(&super::updates::message_new(&super::updates::message(&json!({
        "payload": json!({"command": "not_supported_button", "payload": inner}).to_string(),
    }))));
    assert_eq!(event["event_type"], "message");
}

#[test]
fn the_deepest_payload_accepted_still_reads_back_as_an_event() {
    let raw = |depth: usize, quote: &str| {
        let nested = format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let nested = if quote.is_empty() { nested } else { json!(nested).to_string() };
        format!(
            r#"{{"type":"message_event","event_id":"e1","object":{{"user_id":1,"peer_id":1,
            "event_id":"b","payload":{nested}}}}}"#
        )
    };
    let convert = |raw: &str| dict(&serde_json::from_str(raw).expect("within the limit"));
    for quote in ["", "\""] {
        let event = convert(&raw(125, quote));
        assert!(event["button"]["payload"].is_object());
        assert!(serde_json::from_str::<Event>(&event.to_string()).is_ok());
    }
    for depth in [126, 127, 128, 5_000] {
        let rejection = rejection_of(&raw(depth, ""));
        assert_eq!(rejection.code(), "unreadable");
        assert!(rejection.to_string().starts_with("payload cannot be read: "), "{rejection}");
        assert!(convert(&raw(depth, "\""))["button"]["payload"].is_string());
    }
}

#[test]
fn a_reaction_taken_back_has_the_id_0() {
    let reaction = |extra: &Value| {
        let usual = json!({ "reacted_id": 100, "peer_id": CHAT, "cmid": 3 });
        dict(&update("message_reaction_event", &merged(usual, extra)))
    };
    let put = reaction(&json!({ "reaction_id": 16 }));
    assert_eq!(put["event_type"], "reaction");
    assert_eq!(put["reaction"].to_string(), r#"{"cmid":3,"rid":16}"#);
    assert_eq!(put["user"]["uuid"], 100);
    for back in [reaction(&json!({})), reaction(&json!({ "reaction_id": null }))] {
        assert_eq!(back["reaction"].to_string(), r#"{"cmid":3,"rid":0}"#);
    }
}

#[test]
fn a_press_or_reaction_without_its_message_or_id_is_rejected() {
    let press = press(&json!({}));
    let object = without(press["object"].clone(), "event_id");
    let rejection = rejection_of(&update("message_event", &object).to_string());
    assert_eq!(rejection.to_string(), "event_id of the press is missing");

    let object = json!({ "reacted_id": 100, "peer_id": CHAT });
    let rejection = rejection_of(&update("message_reaction_event", &object).to_string());
    assert_eq!(rejection.to_string(), "cmid is missing");
}
