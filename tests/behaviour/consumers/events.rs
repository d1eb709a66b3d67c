//! Events for the tests: generated ones, and samples.

use event_fetcher::event::{Button, Content, Event, Message, Peer, Reaction, Reply, User};
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, json};

/// Generated events, with the authors of their replies always or sometimes.
pub(crate) fn events(authors: bool) -> impl Strategy<Value = Vec<Event>> {
    vec(event(authors), 1..60)
}

fn event(authors: bool) -> impl Strategy<Value = Event> {
    let user = (any::<i64>(), text(), text(), text(), text()).prop_map(
        |(uuid, name, firstname, lastname, nick)| User { uuid, name, firstname, lastname, nick },
    );
    let peer =
        (any::<i64>(), any::<i64>(), text()).prop_map(|(bpid, cid, name)| Peer { bpid, cid, name });
    (text(), user, peer, content(authors)).prop_map(|(event_id, user, peer, content)| Event {
        event_id,
        user,
        peer,
        content,
    })
}

fn content(authors: bool) -> impl Strategy<Value = Content> {
    let button = (any::<i64>(), text(), json_value())
        .prop_map(|(cmid, beid, payload)| Content::Button(Button { cmid, beid, payload }));
    let reaction = (any::<i64>(), any::<i64>())
        .prop_map(|(cmid, rid)| Content::Reaction(Reaction { cmid, rid }));
    prop_oneof![
        message(authors).prop_map(Content::Message),
        message(authors).prop_map(Content::Command),
        button,
        reaction,
    ]
}

fn message(authors: bool) -> impl Strategy<Value = Message> {
    let parts = (
        any::<i64>(),
        text(),
        option::of(reply(authors)),
        vec(reply(authors), 0..3),
        vec(text(), 0..3),
    );
    parts.prop_map(|(cmid, text, reply, forward, attachments)| Message {
        cmid,
        text,
        reply,
        forward,
        attachments,
    })
}

fn reply(authors: bool) -> impl Strategy<Value = Reply> {
    let uuid = if authors {
        any::<i64>().prop_map(Some).boxed()
    } else {
        option::of(any::<i64>()).boxed()
    };
    (any::<i64>(), text(), uuid).prop_map(|(cmid, text, uuid)| Reply {
        cmid,
        text,
        uuid,
        bpid: None,
    })
}

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// One event of each type, and one with every field.
pub(crate) fn samples() -> Vec<Event> {
    let plain = Message {
        cmid: 3895,
        text: "/command".to_owned(),
        reply: None,
        forward: vec![],
        attachments: vec![],
    };
    let quoted = |cmid, text: &str, bpid| {
        let text = text.to_owned();
        Reply { cmid, text, uuid: Some(-5), bpid }
    };
    let forward = vec![
        quoted(1, "first", Some(2_000_000_002)),
        quoted(0, "", None),
        quoted(2, "of another conversation", Some(2_000_000_003)),
    ];
    let full = Message {
        text: "Смотри 👀".to_owned(),
        reply: Some(quoted(3894, "Hi!", None)),
        forward,
        attachments: ["photo", "reply", "forward"].map(str::to_owned).to_vec(),
        ..plain.clone()
    };
    let payload = json!({
        "call_action": "close", "deep": [1, -70_000, 5_000_000_000_i64, u64::MAX, 0.5, true, false, null, {}],
    });
    vec![
        event_with(Content::Command(plain)),
        event_with(Content::Message(full)),
        event_with(Content::Button(Button { cmid: 0, beid: "b0d7020c0bd1".to_owned(), payload })),
        event_with(Content::Reaction(Reaction { cmid: 3897, rid: 1 })),
    ]
}

fn event_with(content: Content) -> Event {
    Event {
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
        content,
    }
}
