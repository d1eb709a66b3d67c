//! Updates that cannot become events, and what the operator reads about them.

use event_fetcher::converter::{self, Parsed, Rejection, Rules};
use serde_json::{Value, json};

use super::updates::{CHAT, merged, message, message_new, rejection_of, update, without};

#[track_caller]
fn assert_rejected(update: &Value, code: &str, reason: &str) {
    let rejection = rejection_of(&update.to_string());
    assert_eq!((rejection.code(), rejection.to_string().as_str()), (code, reason));
}

#[test]
fn what_is_no_update_is_rejected() {
    for raw in ["", "{", "<html>", "{\"type\":\"message_new\",}", "{} {}", "\u{feff}{}"] {
        let rejection = rejection_of(raw);
        assert!(matches!(rejection, Rejection::Unreadable { field: "the update", .. }), "{raw}");
        assert_eq!(rejection.code(), "unreadable");
    }
    assert_rejected(&json!(null), "missing", "the update is missing");
    assert_rejected(&json!([]), "wrong_type", "the update is not an object but an array");
    let as_array = json!(["message_new", "e", {}]);
    assert_rejected(&as_array, "wrong_type", "the update is not an object but an array");
    assert_rejected(&json!({}), "missing", "type is missing");
    assert_rejected(&json!({"type": 5}), "wrong_type", "type is not a string but a number");
}

#[test]
fn an_object_of_another_shape_is_rejected() {
    for kind in ["message_new", "message_event", "message_reaction_event"] {
        assert_rejected(&json!({ "type": kind }), "missing", "object is missing");
        assert_rejected(&update(kind, &Value::Null), "missing", "object is missing");
        let array = update(kind, &json!([]));
        assert_rejected(&array, "wrong_type", "object is not an object but an array");
        let text = update(kind, &json!("{}"));
        assert_rejected(&text, "wrong_type", "object is not an object but a string");
    }
    let array = update("message_new", &json!({ "message": [1, 2] }));
    assert_rejected(&array, "wrong_type", "message is not an object but an array");
}

#[test]
fn an_event_id_of_another_type_is_rejected() {
    let mut update = message_new(&message(&json!({})));
    update["event_id"] = json!(5);
    assert_rejected(&update, "wrong_type", "event_id is not a string but a number");
}

#[test]
fn a_message_without_identity_or_number_is_rejected() {
    for key in ["peer_id", "from_id", "conversation_message_id"] {
        let missing = format!("{key} is missing");
        let reject = |value: Value, code: &str, reason: &str| {
            assert_rejected(&message_new(&message(&json!({ key: value }))), code, reason);
        };
        assert_rejected(&message_new(&without(message(&json!({})), key)), "missing", &missing);
        reject(Value::Null, "missing", &missing);
        for (value, found) in [
            (json!("5"), "a string"),
            (json!(5.0), "a fractional number"),
            (json!(u64::MAX), "a number beyond 64 bits"),
            (json!(true), "a boolean"),
            (json!([5]), "an array"),
            (json!({"id": 5}), "an object"),
        ] {
            reject(value, "wrong_type", &format!("{key} is not an integer but {found}"));
        }
    }
}

#[test]
fn an_id_that_is_nobodys_is_rejected() {
    let reject = |extra: Value, reason: &str| {
        assert_rejected(&message_new(&message(&extra)), "no_identity", reason);
    };
    for id in [0, 2_000_000_000] {
        reject(json!({ "peer_id": id }), &format!("peer_id is {id}, which is nobody's id"));
        reject(json!({ "from_id": id }), &format!("from_id is {id}, which is nobody's id"));
    }
    reject(json!({ "from_id": CHAT }), &format!("from_id is {CHAT}, which is a chat's id"));
    let press = json!({ "user_id": CHAT, "peer_id": CHAT, "event_id": "b" });
    let reason = format!("user_id is {CHAT}, which is a chat's id");
    assert_rejected(&update("message_event", &press), "no_identity", &reason);
    let reaction = json!({ "reacted_id": CHAT, "peer_id": CHAT, "cmid": 1 });
    let reason = format!("reacted_id is {CHAT}, which is a chat's id");
    assert_rejected(&update("message_reaction_event", &reaction), "no_identity", &reason);
}

#[test]
fn contents_of_another_type_are_rejected() {
    for (extra, reason) in [
        (json!({ "text": 5 }), "text is not a string but a number"),
        (json!({ "attachments": {} }), "attachments is not an array but an object"),
        (json!({ "reply_message": "x" }), "reply_message is not an object but a string"),
        (json!({ "reply_message": [] }), "reply_message is not an object but an array"),
        (json!({ "fwd_messages": 1 }), "fwd_messages is not an array but a number"),
        (json!({ "fwd_messages": [1] }), "a forwarded message is not an object but a number"),
        (json!({ "fwd_messages": [null] }), "a forwarded message is missing"),
        (
            json!({ "reply_message": { "text": [] } }),
            "text of a reply or forward is not a string but an array",
        ),
    ] {
        let code = if reason.ends_with("missing") { "missing" } else { "wrong_type" };
        assert_rejected(&message_new(&message(&extra)), code, reason);
    }
}

#[test]
fn an_update_of_another_community_is_rejected_whatever_its_type() {
    let read = |update: &Value, group_id: i64| {
        converter::parse(&update.to_string(), &Rules::default().of_community(group_id))
    };
    let message = message_new(&message(&json!({})));
    for foreign in [message.clone(), update("wall_post_new", &json!({}))] {
        match read(&foreign, 2) {
            Parsed::Rejected(rejection) => {
                assert_eq!(rejection.code(), "foreign_group");
                assert_eq!(rejection.to_string(), "group_id is 1, while vk.group_id is 2");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(read(&message, 1), Parsed::Routed(_)));
    let without_group = without(message.clone(), "group_id");
    assert!(matches!(read(&without_group, 2), Parsed::Routed(_)));
    for odd in [json!("2"), json!(2.5), json!([2]), json!(true)] {
        let update = merged(message.clone(), &json!({"group_id": odd}));
        assert!(
            matches!(read(&update, 2), Parsed::Rejected(Rejection::WrongType { .. })),
            "{update}"
        );
    }
}

#[test]
fn a_field_given_twice_is_rejected_without_quoting_it() {
    let raw = r#"{"type":"message_new","object":{"text":"secret","text":"secret"}}"#;
    let rejection = rejection_of(raw);
    assert_eq!(rejection.code(), "unreadable");
    assert!(!rejection.to_string().contains("secret"), "{rejection}");
    assert!(rejection.to_string().contains("duplicate field `text`"), "{rejection}");
}

#[test]
fn an_update_that_says_something_twice_is_rejected() {
    let message = r#"{"message":{"from_id":1,"peer_id":2,"conversation_message_id":3,"text":""}}"#;
    for update in [
        format!(r#"{{"type":"message_new","type":"message_new","object":{message}}}"#),
        format!(r#"{{"type":"message_new","event_id":"a","event_id":"b","object":{message}}}"#),
        format!(r#"{{"type":"message_new","group_id":1,"group_id":1,"object":{message}}}"#),
        format!(r#"{{"type":"message_new","object":{message},"object":{message}}}"#),
    ] {
        let rejection = rejection_of(&update);
        assert_eq!(rejection.code(), "unreadable", "{rejection}");
    }
}
