//! Updates as VK could send them, and JSON as nobody would.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::world::{IDS, identity};

/// What an update is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Press,
    Reaction,
}

/// A well-formed update, and what it was made of.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) kind: Kind,
    pub(crate) author: i64,
    pub(crate) peer: i64,
    pub(crate) update: Value,
    /// The message in `update`; null for presses and reactions.
    pub(crate) message: Value,
}

impl Sample {
    pub(crate) fn raw(&self) -> String {
        self.update.to_string()
    }
}

/// The keys that a converter might look at.
const KEYS: [&str; 16] = [
    "type",
    "object",
    "message",
    "event_id",
    "peer_id",
    "from_id",
    "user_id",
    "reacted_id",
    "conversation_message_id",
    "cmid",
    "text",
    "payload",
    "attachments",
    "reply_message",
    "fwd_messages",
    "action",
];

const ROUTED: [&str; 3] = ["message_new", "message_event", "message_reaction_event"];

pub(crate) fn json() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![select(KEYS.to_vec()).prop_map(str::to_owned), text()];
    leaf().prop_recursive(4, 16, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((keys.clone(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        select(IDS.to_vec()).prop_map(Value::from),
        // Halves are exact in any reader of JSON.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 2.0)),
        text().prop_map(Value::from),
        select(ROUTED.to_vec()).prop_map(Value::from),
    ]
}

fn text() -> impl Strategy<Value = String> + Clone {
    vec(any::<char>(), 0..6).prop_map(String::from_iter)
}

pub(crate) fn routed_type() -> impl Strategy<Value = &'static str> {
    select(vec!["message_new", "message_event", "message_reaction_event"])
}

/// Pointers to all values within a value, the root among them.
pub(crate) fn places(value: &Value) -> Vec<String> {
    fn collect(value: &Value, here: &str, places: &mut Vec<String>) {
        places.push(here.to_owned());
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    collect(item, &format!("{here}/{index}"), places);
                }
            }
            Value::Object(entries) => {
                for (key, value) in entries {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    collect(value, &format!("{here}/{key}"), places);
                }
            }
            _ => {}
        }
    }
    let mut places = vec![];
    collect(value, "", &mut places);
    places
}

pub(crate) fn sample() -> impl Strategy<Value = Sample> {
    prop_oneof![2 => sample_message(), 1 => press(), 1 => reaction()]
}

pub(crate) fn batch() -> impl Strategy<Value = Vec<Sample>> {
    vec(sample(), 0..12)
}

pub(crate) fn sample_message() -> impl Strategy<Value = Sample> {
    let contents = (
        maybe_null(("[/!.a-c]{0,3}", text()).prop_map(|(start, rest)| Value::from(start + &rest))),
        maybe_null(vec(attachment(), 0..4).prop_map(Value::from)),
        maybe_null(json_object().prop_map(Value::from)),
        maybe_null(quoted()),
        maybe_null(vec(quoted(), 0..4).prop_map(Value::from)),
        maybe_null(action()),
        maybe_null(any::<bool>().prop_map(Value::from)),
    )
        .prop_map(|(text, attachments, geo, reply, forward, action, cropped)| {
            object([
                ("text", text),
                ("attachments", attachments),
                ("geo", geo),
                ("reply_message", reply),
                ("fwd_messages", forward),
                ("action", action),
                ("is_cropped", cropped),
            ])
        });
    (author(), peer(), any::<i64>(), contents, any::<bool>(), event_id()).prop_map(
        |(author, peer, cmid, mut message, old, event_id)| {
            message["from_id"] = author.into();
            message["peer_id"] = peer.into();
            message["conversation_message_id"] = cmid.into();
            let object = if old { message.clone() } else { json!({ "message": message }) };
            let update = update("message_new", event_id, object);
            Sample { kind: Kind::Message, author, peer, update, message }
        },
    )
}

fn press() -> impl Strategy<Value = Sample> {
    let payload = prop_oneof![json(), json().prop_map(|value| Value::from(value.to_string()))];
    (author(), peer(), maybe_null(number()), text(), maybe_null(payload), event_id()).prop_map(
        |(author, peer, cmid, press_id, payload, event_id)| {
            let object = object([
                ("user_id", Some(author.into())),
                ("peer_id", Some(peer.into())),
                ("event_id", Some(press_id.into())),
                ("conversation_message_id", cmid),
                ("payload", payload),
            ]);
            let update = update("message_event", event_id, object);
            Sample { kind: Kind::Press, author, peer, update, message: Value::Null }
        },
    )
}

fn reaction() -> impl Strategy<Value = Sample> {
    (author(), peer(), any::<i64>(), maybe_null(number()), event_id()).prop_map(
        |(author, peer, cmid, reaction_id, event_id)| {
            let object = object([
                ("reacted_id", Some(author.into())),
                ("peer_id", Some(peer.into())),
                ("cmid", Some(cmid.into())),
                ("reaction_id", reaction_id),
            ]);
            let update = update("message_reaction_event", event_id, object);
            Sample { kind: Kind::Reaction, author, peer, update, message: Value::Null }
        },
    )
}

fn update(kind: &str, event_id: Option<Value>, inner: Value) -> Value {
    object([
        ("group_id", Some(json!(1))),
        ("type", Some(json!(kind))),
        ("event_id", event_id),
        ("object", Some(inner)),
    ])
}

fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// Absent, null or a value.
fn maybe_null(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(Value::Null)),
        4 => value.prop_map(Some),
    ]
}

fn event_id() -> impl Strategy<Value = Option<Value>> {
    maybe_null("[0-9a-f]{0,40}".prop_map(Value::from))
}

fn author() -> impl Strategy<Value = i64> {
    peer().prop_filter("a chat writes nothing", |id| identity(*id) != Some("chat"))
}

fn peer() -> impl Strategy<Value = i64> {
    let odd = any::<i64>().prop_map(|id| id | 1);
    prop_oneof![4 => select(IDS.to_vec()), 1 => odd]
}

fn number() -> impl Strategy<Value = Value> {
    any::<i64>().prop_map(Value::from)
}

fn attachment() -> impl Strategy<Value = Value> {
    let typed = (select(vec!["photo", "video", "doc", "hologram"]), json())
        .prop_map(|(kind, inner)| json!({ "type": kind, kind: inner }));
    prop_oneof![4 => typed, 1 => json()]
}

fn quoted() -> impl Strategy<Value = Value> {
    let text = maybe_null(text().prop_map(Value::from));
    let nested = option::of(vec(json(), 0..2).prop_map(Value::from));
    (text, maybe_null(number()), maybe_null(number()), nested).prop_map(
        |(text, cmid, author, nested)| {
            object([
                ("text", text),
                ("conversation_message_id", cmid),
                ("from_id", author),
                ("fwd_messages", nested),
            ])
        },
    )
}

fn action() -> impl Strategy<Value = Value> {
    let kind = select(vec!["chat_title_update", "chat_title_update", "chat_pin_message"]);
    (kind, "[A-Z ]{0,6}").prop_map(|(kind, text)| json!({ "type": kind, "text": text }))
}

fn json_object() -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-z]{1,4}", json()), 0..3).prop_map(|entries| entries.into_iter().collect())
}
