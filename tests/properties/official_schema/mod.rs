//! Whatever VK's official JSON schema allows becomes the event that it should.
//!
//! `VK_SCHEMA_DIR` names a folder with the schema (github.com/VKCOM/vk-api-schema); where it is
//! not set, these tests pass without having tested anything, and say so.
#![expect(clippy::expect_used, reason = "what is expected here is what is tested")]

mod generator;

use crate::outcome::{self, Outcome};
use event_fetcher::{
    converter::{Lookups, Rules},
    event::{Content, Event, event_schema},
};
use serde_json::{Value, json};

use generator::Generator;

const INSTANCES: usize = 300;
const CALLBACKS: &str = "callback/objects.json";
const ROUTED: [(&str, &str); 3] = [
    ("callback_message_new", "message_new"),
    ("callback_message_event", "message_event"),
    ("callback_message_reaction_event", "message_reaction_event"),
];

fn generator() -> Option<Generator> {
    let Some(folder) = std::env::var_os("VK_SCHEMA_DIR") else {
        println!("skipped: VK_SCHEMA_DIR names no folder with VK's official schema");
        return None;
    };
    Some(Generator::new(folder.into()))
}

fn convert(kind: &str, object: &Value) -> Outcome {
    let update = json!({
        "type": kind, "group_id": 1, "event_id": "e", "v": "5.199", "object": object,
    });
    let rules = Rules { reply_author: true, ..Rules::default() };
    outcome::convert(&update.to_string(), &Lookups::default(), &rules)
}

fn event(kind: &str, object: &Value) -> Event {
    let event = match convert(kind, object) {
        Outcome::Event(event) => event,
        other => panic!("no event but {other:?} from {object}"),
    };
    assert_eq!(event.event_id, "e");
    assert_eq!(event.peer.bpid, peer_and_author(kind, object).0);
    assert_eq!(event.user.uuid, peer_and_author(kind, object).1);
    event
}

fn peer_and_author(kind: &str, object: &Value) -> (i64, i64) {
    let (place, author) = match kind {
        "message_new" => (&object["message"], "from_id"),
        "message_event" => (object, "user_id"),
        _ => (object, "reacted_id"),
    };
    let id = |key: &str| place[key].as_i64().expect("VK's schema requires it");
    (id("peer_id"), id(author))
}

#[test]
fn every_message_becomes_its_event() {
    let Some(mut generator) = generator() else {
        return;
    };
    let schema = event_schema().to_value();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let (mut replies, mut forwards, mut attached, mut located, mut commands) = (0, 0, 0, 0, 0);
    for _ in 0..INSTANCES {
        let mut object = generator.instance(CALLBACKS, "callback_message_new");
        object["message"] = generator.instance(CALLBACKS, "callback_message");
        let raw = &object["message"];
        let event = event("message_new", &object);
        assert!(validator.is_valid(&event.as_dict()));

        let (Content::Message(message) | Content::Command(message)) = &event.content else {
            panic!("no message but {event:?}");
        };
        assert_eq!(raw["conversation_message_id"], message.cmid);
        assert_eq!(raw["text"], message.text.as_str());
        let is_command = message.text.starts_with(['/', '!']);
        assert_eq!(matches!(event.content, Content::Command(_)), is_command);

        let dict = event.as_dict();
        assert_eq!(dict["message"]["reply"], quoted(&raw["reply_message"]));
        let forward: Vec<_> = list(&raw["fwd_messages"]).iter().map(quoted).collect();
        assert_eq!(dict["message"]["forward"], Value::from(forward.clone()));
        let types = list(&raw["attachments"]).iter().map(|raw| raw["type"].clone());
        let words = [
            ("geo", raw["geo"].is_object()),
            ("reply", raw["reply_message"].is_object()),
            ("forward", !forward.is_empty()),
        ];
        let words = words.into_iter().filter(|(_, on)| *on).map(|(word, _)| Value::from(word));
        assert_eq!(dict["message"]["attachments"], types.chain(words).collect::<Value>());

        replies += usize::from(message.reply.is_some());
        forwards += message.forward.len();
        attached += list(&raw["attachments"]).len();
        located += usize::from(raw["geo"].is_object());
        commands += usize::from(is_command);
    }
    for count in [replies, forwards, attached, located, commands] {
        assert!(count > 10, "the instances vary too little to prove anything");
    }
}

fn list(raw: &Value) -> &[Value] {
    raw.as_array().map_or(&[], Vec::as_slice)
}

fn quoted(raw: &Value) -> Value {
    if raw.is_null() {
        return Value::Null;
    }
    json!({
        "cmid": raw["conversation_message_id"],
        "text": raw["text"],
        "uuid": raw["from_id"],
    })
}

#[test]
fn every_press_becomes_its_button() {
    let Some(mut generator) = generator() else {
        return;
    };
    for _ in 0..INSTANCES {
        let object = generator.instance(CALLBACKS, "callback_message_event");
        let Content::Button(button) = event("message_event", &object).content else {
            panic!("no button from {object}");
        };
        assert_eq!(button.cmid, object["conversation_message_id"].as_i64().unwrap_or(0));
        assert_eq!(object["event_id"], button.beid.as_str());
        assert_eq!(object["payload"], button.payload);
    }
}

#[test]
fn every_reaction_becomes_its_event() {
    let Some(mut generator) = generator() else {
        return;
    };
    for _ in 0..INSTANCES {
        let object = generator.instance(CALLBACKS, "callback_message_reaction_event");
        let Content::Reaction(reaction) = event("message_reaction_event", &object).content else {
            panic!("no reaction from {object}");
        };
        assert_eq!(object["cmid"], reaction.cmid);
        assert_eq!(reaction.rid, object["reaction_id"].as_i64().unwrap_or(0));
    }
}

#[test]
fn every_other_update_is_unrouted_under_its_type() {
    let Some(mut generator) = generator() else {
        return;
    };
    let mut others = 0;
    for definition in generator.definitions(CALLBACKS) {
        if ROUTED.iter().any(|(routed, _)| *routed == definition) {
            continue;
        }
        let kind = definition.strip_prefix("callback_").expect("VK names them so");
        let object = generator.instance(CALLBACKS, &definition);
        assert_eq!(convert(kind, &object), Outcome::Unrouted(kind.to_owned()), "{object}");
        others += 1;
    }
    assert!(others > 40, "VK's schema has many more types");

    for kind in generator.enumeration(CALLBACKS, "callback_type") {
        if ROUTED.iter().all(|(_, routed)| *routed != kind) {
            assert_eq!(convert(&kind, &json!({})), Outcome::Unrouted(kind));
        }
    }
}
