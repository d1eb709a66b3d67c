//! The JSON Schema of events, its refusals, and that reading an event refuses the same.
#![expect(clippy::expect_used, reason = "what is expected here is what is tested")]

use event_fetcher::event::{
    Button, Content, Event, EventType, Message, Peer, Reaction, Reply, User, event_schema,
};
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator() -> Validator {
    jsonschema::validator_for(event_schema().as_value()).expect("the schema is a valid schema")
}

fn event(content: Content) -> Event {
    Event {
        event_id: "d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936".to_owned(),
        user: User {
            uuid: -5,
            name: "Funcka".to_owned(),
            firstname: "Funcka".to_owned(),
            lastname: String::new(),
            nick: "club5".to_owned(),
        },
        peer: Peer { bpid: 2_000_000_001, cid: 1, name: String::new() },
        content,
    }
}

fn message() -> Message {
    Message {
        cmid: 2,
        text: "text".to_owned(),
        reply: Some(Reply { cmid: 1, text: "before".to_owned(), uuid: Some(7), bpid: None }),
        forward: vec![Reply { cmid: 0, text: String::new(), uuid: None, bpid: None }],
        attachments: vec!["reply".to_owned(), "forward".to_owned()],
    }
}

fn every_type() -> Vec<Event> {
    let plain = Message { reply: None, forward: vec![], attachments: vec![], ..message() };
    let button = |payload| Button { cmid: 0, beid: "b0d7020c0bd1".to_owned(), payload };
    vec![
        event(Content::Message(message())),
        event(Content::Message(plain)),
        event(Content::Command(message())),
        event(Content::Button(button(json!({"deep": [1, {"er": null}]})))),
        event(Content::Button(button(json!("text")))),
        event(Content::Reaction(Reaction { cmid: 3, rid: 0 })),
    ]
}

fn attribute(kind: EventType) -> &'static str {
    match kind {
        EventType::Message | EventType::Command => "message",
        EventType::Button => "button",
        EventType::Reaction => "reaction",
    }
}

/// Neither the schema nor the reader accepts it.
fn assert_refused(dict: &Value) {
    assert!(!validator().is_valid(dict), "the schema lets through {dict}");
    let read = serde_json::from_str::<Event>(&dict.to_string());
    assert!(read.is_err(), "reading lets through {dict}");
}

#[test]
fn every_event_is_valid_and_reads_back() {
    let validator = validator();
    for event in every_type() {
        let dict = event.as_dict();
        assert!(validator.is_valid(&dict), "{dict}");
        let back: Event = serde_json::from_str(&dict.to_string()).expect("it reads back");
        assert_eq!(back, event);
    }
}

#[test]
fn the_schemas_example_is_valid() {
    let schema = event_schema();
    let examples = schema.get("examples").and_then(Value::as_array).expect("it has examples");
    assert!(!examples.is_empty());
    for example in examples {
        assert!(validator().is_valid(example), "{example}");
        let event: Event = serde_json::from_value(example.clone()).expect("it reads");
        assert_eq!(event.as_dict().to_string(), example.to_string());
    }
}

#[test]
fn the_attributes_of_another_type_are_refused() {
    for event in every_type() {
        let own = attribute(event.event_type());
        for other in EventType::ALL.into_iter().filter(|kind| attribute(*kind) != own) {
            let mut renamed = event.as_dict();
            renamed["event_type"] = json!(other.as_str());
            assert_refused(&renamed);
        }
        for other in every_type().iter().filter(|other| attribute(other.event_type()) != own) {
            let mut both = event.as_dict();
            let foreign = attribute(other.event_type());
            both[foreign] = other.as_dict()[foreign].clone();
            assert_refused(&both);
            both[foreign] = Value::Null;
            assert_refused(&both);
        }
    }
}

#[test]
fn a_missing_attribute_is_refused() {
    for event in every_type() {
        let dict = event.as_dict();
        for key in dict.as_object().expect("a dictionary").keys() {
            let mut less = dict.clone();
            less.as_object_mut().expect("a dictionary").remove(key);
            assert_refused(&less);
        }
    }
}

#[test]
fn inner_attributes_are_exact_too() {
    let dict = event(Content::Message(message())).as_dict();
    for (place, key) in [
        ("/user", "nick"),
        ("/peer", "cid"),
        ("/message", "reply"),
        ("/message/reply", "text"),
        ("/message/forward/0", "cmid"),
    ] {
        let mut less = dict.clone();
        let inner = less.pointer_mut(place).and_then(Value::as_object_mut);
        inner.expect("the place exists").remove(key);
        assert_refused(&less);

        let mut more = dict.clone();
        let inner = more.pointer_mut(place).and_then(Value::as_object_mut);
        inner.expect("the place exists").insert("extra".to_owned(), json!(1));
        assert_refused(&more);
    }
    let mut null_uuid = dict;
    null_uuid["message"]["reply"]["uuid"] = Value::Null;
    assert!(!validator().is_valid(&null_uuid), "an absent uuid is absent, not null");
}

#[test]
fn keys_stand_in_the_documented_order() {
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().expect("a dictionary").keys().cloned().collect()
    };
    for event in every_type() {
        let dict = event.as_dict();
        let last = attribute(event.event_type());
        assert_eq!(keys(&dict), ["event_type", "event_id", "user", "peer", last]);
        assert_eq!(keys(&dict["user"]), ["uuid", "name", "firstname", "lastname", "nick"]);
        assert_eq!(keys(&dict["peer"]), ["bpid", "cid", "name"]);
    }
    let with_reply = event(Content::Message(message())).as_dict();
    let message = &with_reply["message"];
    assert_eq!(keys(message), ["cmid", "text", "reply", "forward", "attachments"]);
    assert_eq!(keys(&message["reply"]), ["cmid", "text", "uuid"]);
    assert_eq!(keys(&message["forward"][0]), ["cmid", "text"]);
    let button = &every_type()[3].as_dict()["button"];
    assert_eq!(keys(button), ["cmid", "beid", "payload"]);
    let reaction = &every_type()[5].as_dict()["reaction"];
    assert_eq!(keys(reaction), ["cmid", "rid"]);
}
