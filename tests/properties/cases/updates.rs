//! Updates to start from, and short ways to convert them.

use std::sync::Arc;

use crate::outcome::{self, Outcome};
use event_fetcher::converter::{
    self, Community, LookupRequest, Lookups, Parsed, PartialEvent, Person, Rejection, Rules,
};
use serde_json::{Value, json};

pub(crate) const CHAT: i64 = 2_000_000_007;

/// An update of `message_new` around a message.
pub(crate) fn message_new(message: &Value) -> Value {
    let object = json!({ "message": message, "client_info": { "keyboard": true } });
    update("message_new", &object)
}

/// An update of any type.
pub(crate) fn update(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "event_id": "e1", "v": "5.199", "group_id": 1, "object": object })
}

/// User 100 writes in the chat, with `extra` fields added or put in place of the usual ones.
pub(crate) fn message(extra: &Value) -> Value {
    let usual = json!({
        "date": 1, "from_id": 100, "id": 0, "peer_id": CHAT, "conversation_message_id": 42,
        "text": "hi", "attachments": [], "fwd_messages": [],
    });
    merged(usual, extra)
}

pub(crate) fn merged(mut usual: Value, extra: &Value) -> Value {
    for (key, value) in extra.as_object().into_iter().flatten() {
        usual[key] = value.clone();
    }
    usual
}

pub(crate) fn without(mut value: Value, key: &str) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.remove(key);
    }
    value
}

pub(crate) fn person(first_name: &str, last_name: &str, domain: Option<&str>) -> Arc<Person> {
    Arc::new(Person {
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        domain: domain.map(str::to_owned),
    })
}

/// User 100, community 5 and the chat.
pub(crate) fn known() -> Lookups {
    let mut known = Lookups::default();
    known.users.insert(100, person("Anna", "Petrova", Some("annap")));
    let community = Community { name: "Five".to_owned(), screen_name: Some("five".to_owned()) };
    known.communities.insert(5, Arc::new(community));
    known.chats.insert(CHAT, Arc::from("Chat seven"));
    known
}

/// The event as a dictionary.
pub(crate) fn dict_with(update: &Value, known: &Lookups, rules: &Rules) -> Value {
    match outcome::convert(&update.to_string(), known, rules) {
        Outcome::Event(event) => event.as_dict(),
        other => panic!("no event but {other:?} from {update}"),
    }
}

pub(crate) fn dict(update: &Value) -> Value {
    dict_with(update, &known(), &Rules::default())
}

pub(crate) fn partial(update: &Value) -> PartialEvent {
    match converter::parse(&update.to_string(), &Rules::default()) {
        Parsed::Routed(partial) => partial,
        other => panic!("no partial but {other:?} from {update}"),
    }
}

pub(crate) fn request(update: &Value) -> LookupRequest {
    let mut request = LookupRequest::default();
    partial(update).add_to(&mut request);
    request
}

pub(crate) fn rejection_of(raw: &str) -> Rejection {
    match outcome::convert(raw, &known(), &Rules::default()) {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("not rejected but {other:?}: {raw}"),
    }
}
