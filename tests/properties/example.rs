//! The specification's own examples: its raw update, and its event byte for byte.

use std::sync::Arc;

use crate::outcome::{self, Outcome};
use event_fetcher::{
    converter::{Lookups, Person, Rules},
    event::{Content, Event, Message, Peer, User},
};
use serde_json::json;

const RAW: &str = r#"{
    "group_id": 218730916,
    "type": "message_new",
    "event_id": "d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936",
    "v": "5.199",
    "object": {
        "message": {
            "date": 1709107598,
            "from_id": 206295116,
            "id": 0, "out": 0,
            "version": 10012065,
            "attachments": [],
            "conversation_message_id": 2707,
            "fwd_messages": [],
            "important": false,
            "is_hidden": false,
            "peer_id": 2000000002,
            "random_id": 0,
            "text": "Hi!",
            "is_unavailable": true
        },
        "client_info": {
            "button_actions": [
                "text", "vkpay", "open_app", "location", "open_link", "callback",
                "intent_subscribe", "intent_unsubscribe"
            ],
            "keyboard": true,
            "inline_keyboard": true,
            "carousel": true,
            "lang_id": 0
        }
    }
}"#;

const AS_DICT: &str = concat!(
    r#"{"event_type":"command","event_id":"b0d7020c0bd1ad36b76567054400abc8b279f960","#,
    r#""user":{"uuid":206295116,"name":"Руслан Башинский","firstname":"Руслан","#,
    r#""lastname":"Башинский","nick":"oidaho"},"#,
    r#""peer":{"bpid":2000000002,"cid":2,"name":"FUNCKA | TOASTER | DEV | CHAT"},"#,
    r#""message":{"cmid":3895,"text":"/command","reply":null,"forward":[],"attachments":[]}}"#,
);

fn known() -> Lookups {
    let mut known = Lookups::default();
    let author = Person {
        first_name: "Руслан".to_owned(),
        last_name: "Башинский".to_owned(),
        domain: Some("oidaho".to_owned()),
    };
    known.users.insert(206_295_116, Arc::new(author));
    known.chats.insert(2_000_000_002, Arc::from("FUNCKA | TOASTER | DEV | CHAT"));
    known
}

#[test]
fn the_raw_update_becomes_an_event_of_the_documented_shape() {
    let Outcome::Event(event) = outcome::convert(RAW, &known(), &Rules::default()) else {
        panic!("the specification's update has to become an event");
    };
    let expected = json!({
        "event_type": "message",
        "event_id": "d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936",
        "user": {
            "uuid": 206_295_116,
            "name": "Руслан Башинский",
            "firstname": "Руслан",
            "lastname": "Башинский",
            "nick": "oidaho",
        },
        "peer": { "bpid": 2_000_000_002_i64, "cid": 2, "name": "FUNCKA | TOASTER | DEV | CHAT" },
        "message": {
            "cmid": 2707, "text": "Hi!", "reply": null, "forward": [], "attachments": [],
        },
    });
    assert_eq!(event.as_dict().to_string(), expected.to_string());
}

#[test]
fn as_dict_is_the_documented_one_byte_for_byte() {
    let event = Event {
        event_id: "b0d7020c0bd1ad36b76567054400abc8b279f960".to_owned(),
        user: User {
            uuid: 206_295_116,
            name: "Руслан Башинский".to_owned(),
            firstname: "Руслан".to_owned(),
            lastname: "Башинский".to_owned(),
            nick: "oidaho".to_owned(),
        },
        peer: Peer {
            bpid: 2_000_000_002,
            cid: 2,
            name: "FUNCKA | TOASTER | DEV | CHAT".to_owned(),
        },
        content: Content::Command(Message {
            cmid: 3895,
            text: "/command".to_owned(),
            reply: None,
            forward: vec![],
            attachments: vec![],
        }),
    };
    assert_eq!(event.as_dict().to_string(), AS_DICT);
    assert_eq!(serde_json::to_string(&event).ok().as_deref(), Some(AS_DICT));
    assert_eq!(serde_json::from_str::<Event>(AS_DICT).ok(), Some(event));
}
