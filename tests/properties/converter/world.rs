//! A small world of names, and the rules of conversion stated once more, another way.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::{Arc, LazyLock},
};

use event_fetcher::{
    converter::{Community, LookupRequest, Lookups, Person},
    event::{Peer, User, event_schema},
};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::strategies::Sample;

/// VK knows every user, community and chat whose id is even.
pub(crate) const IDS: [i64; 14] = [
    1,
    2,
    3,
    4,
    1_999_999_998,
    1_999_999_999,
    2_000_000_001,
    2_000_000_002,
    2_100_000_000,
    -1,
    -2,
    -2_000_000_000,
    -2_000_000_001,
    -2_000_000_002,
];

pub(crate) fn known() -> Lookups {
    let mut known = Lookups::default();
    for id in IDS.into_iter().filter(|id| id % 2 == 0) {
        match identity(id) {
            Some("user") => {
                let first_name = format!("First{id}");
                let last_name = if id == 2 { String::new() } else { "Last".to_owned() };
                let domain = (id != 4).then(|| format!("domain{id}"));
                known.users.insert(id, Arc::new(Person { first_name, last_name, domain }));
            }
            Some("community") => {
                let screen_name = (id != -2).then(|| format!("screen{id}"));
                let name = format!("Community {id}");
                known.communities.insert(-id, Arc::new(Community { name, screen_name }));
            }
            Some("chat") => {
                known.chats.insert(id, Arc::from(format!("Title {id}")));
            }
            _ => {}
        }
    }
    known
}

/// The kind of an id, by the table in VK's contract.
pub(crate) fn identity(id: i64) -> Option<&'static str> {
    if id > 2_000_000_000 {
        Some("chat")
    } else if id == 2_000_000_000 || id == 0 {
        None
    } else if id > 0 {
        Some("user")
    } else if id < -2_000_000_000 {
        Some("email")
    } else {
        Some("community")
    }
}

pub(crate) fn user(id: i64) -> User {
    let (name, firstname, lastname, nick) = match identity(id) {
        Some("user") if id == 2 => {
            ("First2".to_owned(), "First2".to_owned(), "", "domain2".to_owned())
        }
        Some("user") if id % 2 == 0 => {
            let nick = if id == 4 { "id4".to_owned() } else { format!("domain{id}") };
            (format!("First{id} Last"), format!("First{id}"), "Last", nick)
        }
        Some("community") if id % 2 == 0 => {
            let nick = if id == -2 { "club2".to_owned() } else { format!("screen{id}") };
            (format!("Community {id}"), format!("Community {id}"), "", nick)
        }
        Some("community") => (String::new(), String::new(), "", format!("club{}", -id)),
        _ => (String::new(), String::new(), "", format!("id{id}")),
    };
    User { uuid: id, name, firstname, lastname: lastname.to_owned(), nick }
}

pub(crate) fn peer(id: i64) -> Peer {
    match identity(id) {
        Some("chat") => {
            let name = if id % 2 == 0 { format!("Title {id}") } else { String::new() };
            Peer { bpid: id, cid: id - 2_000_000_000, name }
        }
        _ => Peer { bpid: id, cid: 0, name: user(id).name },
    }
}

/// What is known of what was asked for, and nothing else.
pub(crate) fn restricted(known: &Lookups, request: &LookupRequest) -> Lookups {
    fn only<K: Copy + Ord + Hash, V: Clone>(
        all: &HashMap<K, V>,
        asked: &BTreeSet<K>,
    ) -> HashMap<K, V> {
        asked.iter().filter_map(|key| Some((*key, all.get(key)?.clone()))).collect()
    }
    Lookups {
        users: only(&known.users, &request.users),
        communities: only(&known.communities, &request.communities),
        chats: only(&known.chats, &request.chats),
        messages: only(&known.messages, &request.messages),
    }
}

/// The `message` attribute that a well-formed raw message has to become.
pub(crate) fn contents(message: &Value, reply_author: bool) -> Value {
    let list = |key: &str| message[key].as_array().cloned().unwrap_or_default();
    let quoted = |raw: &Value| {
        let mut reply = json!({
            "cmid": raw["conversation_message_id"].as_i64().unwrap_or(0),
            "text": raw["text"].as_str().unwrap_or(""),
        });
        if reply_author && raw["from_id"].is_i64() {
            reply["uuid"] = raw["from_id"].clone();
        }
        reply
    };
    let reply = &message["reply_message"];
    let forward: Vec<_> = list("fwd_messages").iter().map(quoted).collect();
    let mut attachments: Vec<_> = list("attachments")
        .iter()
        .map(|raw| raw["type"].as_str().unwrap_or("unknown").to_owned())
        .collect();
    if !message["geo"].is_null() {
        attachments.push("geo".to_owned());
    }
    if !reply.is_null() {
        attachments.push("reply".to_owned());
    }
    if !forward.is_empty() {
        attachments.push("forward".to_owned());
    }
    json!({
        "cmid": message["conversation_message_id"],
        "text": message["text"].as_str().unwrap_or(""),
        "reply": if reply.is_null() { Value::Null } else { quoted(reply) },
        "forward": forward,
        "attachments": attachments,
    })
}

/// The payload that a button has to have.
pub(crate) fn payload(raw: Option<&Value>) -> Value {
    let inner = raw.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    match (raw, inner) {
        (None | Some(Value::Null), _) => Value::Object(Map::new()),
        (Some(_), Some(object @ Value::Object(_))) => object,
        (Some(other), _) => other.clone(),
    }
}

/// The title that a message gives to its chat.
pub(crate) fn title_given(sample: &Sample) -> Option<&str> {
    let action = &sample.message["action"];
    (action["type"] == "chat_title_update" && sample.peer > 2_000_000_000)
        .then(|| action["text"].as_str())
        .flatten()
}

pub(crate) fn validator() -> &'static Validator {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
        let schema = event_schema().to_value();
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
    });
    &VALIDATOR
}
