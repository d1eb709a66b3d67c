//! From an update's text to a [`Draft`]: the tag first, then only what is routed.

use serde::Deserialize;
use serde_json::value::RawValue;
use sha1::{Digest, Sha1};

use super::{
    Reading, Rejection, Rules,
    draft::{Body, Draft, EventId},
    payload,
};
use crate::{
    event::{Button, Message, Reaction, Reply},
    vk::{
        Identity,
        field::{Field, Object, Wire},
        update::{self, Action, Attachment, Envelope, ForeignMessage, MessageNew},
    },
};

/// Reads one update, given as JSON text, as far as it can be read without asking VK.
#[must_use]
pub fn read(raw: &str, rules: &Rules) -> Reading {
    update(raw, rules).unwrap_or_else(Reading::Rejected)
}

type ReadObject = fn(EventId, &RawValue, &Rules) -> Result<Draft, Rejection>;

fn update(raw: &str, rules: &Rules) -> Result<Reading, Rejection> {
    let Envelope { kind, event_id, object } = parse("the update", raw)?;
    let kind = required("type", kind)?;
    let read_object: ReadObject = match kind.as_str() {
        "message_new" => message_new,
        "message_event" => message_event,
        "message_reaction_event" => message_reaction_event,
        _ => return Ok(Reading::Unrouted(kind)),
    };
    let event_id = match optional("event_id", event_id)? {
        Some(id) if !id.is_empty() => EventId::Given(id),
        _ => EventId::Digest(digest(raw.trim())),
    };
    let object = object.ok_or(Rejection::Missing("object"))?;
    read_object(event_id, object, rules).map(Reading::Routed)
}

/// Lowercase hex SHA-1, the look of VK's own event ids.
fn digest(raw: &str) -> String {
    Sha1::digest(raw)
        .into_iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn message_new(event_id: EventId, object: &RawValue, rules: &Rules) -> Result<Draft, Rejection> {
    let MessageNew { message } = parse("object", object.get())?;
    let wire = match optional("message", message)? {
        Some(Object(message)) => message,
        // Before 5.103 the object is the message.
        None => parse("object", object.get())?,
    };
    let author = author("from_id", wire.from_id)?;
    let peer = identity("peer_id", wire.peer_id)?;
    let cmid = required("conversation_message_id", wire.conversation_message_id)?;
    let body = Body::Message {
        cropped: matches!(wire.is_cropped, Field::Is(true)),
        new_title: new_title(&wire.action),
        message: spoken(wire, cmid, rules)?,
    };
    Ok(Draft { event_id, author, peer, body })
}

fn message_event(event_id: EventId, object: &RawValue, _: &Rules) -> Result<Draft, Rejection> {
    let wire: update::MessageEvent<'_> = parse("object", object.get())?;
    let author = author("user_id", wire.user_id)?;
    let peer = identity("peer_id", wire.peer_id)?;
    let button = Button {
        cmid: optional("conversation_message_id", wire.conversation_message_id)?.unwrap_or(0),
        beid: required("event_id of the press", wire.event_id)?,
        payload: payload::read(wire.payload)?,
    };
    Ok(Draft { event_id, author, peer, body: Body::Button(button) })
}

fn message_reaction_event(
    event_id: EventId,
    object: &RawValue,
    _: &Rules,
) -> Result<Draft, Rejection> {
    let wire: update::MessageReactionEvent = parse("object", object.get())?;
    let author = author("reacted_id", wire.reacted_id)?;
    let peer = identity("peer_id", wire.peer_id)?;
    let reaction = Reaction {
        cmid: required("cmid", wire.cmid)?,
        rid: optional("reaction_id", wire.reaction_id)?.unwrap_or(0),
    };
    Ok(Draft { event_id, author, peer, body: Body::Reaction(reaction) })
}

/// Reads the whole of a cropped message, as VK told it when asked; `None` when that is of no use.
pub(super) fn whole_message(raw: &str, cmid: i64, rules: &Rules) -> Option<Message> {
    let wire: update::Message = parse("message", raw).ok()?;
    if matches!(wire.deleted, Field::Is(true)) {
        return None;
    }
    spoken(wire, cmid, rules).ok()
}

fn spoken(wire: update::Message, cmid: i64, rules: &Rules) -> Result<Message, Rejection> {
    let text = optional("text", wire.text)?.unwrap_or_default();
    let reply = optional("reply_message", wire.reply)?
        .map(|Object(message)| foreign(message, rules))
        .transpose()?;
    let forward = optional("fwd_messages", wire.forward)?
        .unwrap_or_default()
        .into_iter()
        .map(|message| {
            let Object(message) = required("a forwarded message", message)?;
            foreign(message, rules)
        })
        .collect::<Result<Vec<_>, _>>()?;

    let mut attachments: Vec<_> = optional("attachments", wire.attachments)?
        .unwrap_or_default()
        .into_iter()
        .map(attachment_type)
        .collect();
    let words =
        [("geo", wire.geo.is_some()), ("reply", reply.is_some()), ("forward", !forward.is_empty())];
    attachments.extend(words.into_iter().filter(|(_, on)| *on).map(|(word, _)| word.to_owned()));

    Ok(Message { cmid, text, reply, forward, attachments })
}

fn foreign(wire: ForeignMessage, rules: &Rules) -> Result<Reply, Rejection> {
    let author = optional("from_id of a reply or forward", wire.from_id)?;
    Ok(Reply {
        cmid: optional(
            "conversation_message_id of a reply or forward",
            wire.conversation_message_id,
        )?
        .unwrap_or(0),
        text: optional("text of a reply or forward", wire.text)?.unwrap_or_default(),
        uuid: author.filter(|_| rules.reply_author),
    })
}

fn attachment_type(wire: Field<Object<Attachment>>) -> String {
    match wire {
        Field::Is(Object(Attachment { kind: Field::Is(kind) })) => kind,
        _ => "unknown".to_owned(),
    }
}

fn new_title(wire: &Field<Object<Action>>) -> Option<String> {
    match wire {
        Field::Is(Object(Action { kind: Field::Is(kind), text: Field::Is(title) }))
            if kind == "chat_title_update" =>
        {
            Some(title.clone())
        }
        _ => None,
    }
}

fn author(field: &'static str, wire: Field<i64>) -> Result<Identity, Rejection> {
    match identity(field, wire)? {
        Identity::Chat(id) => Err(Rejection::NoIdentity { field, id, problem: "a chat's id" }),
        author => Ok(author),
    }
}

fn identity(field: &'static str, wire: Field<i64>) -> Result<Identity, Rejection> {
    let id = required(field, wire)?;
    Identity::of(id).ok_or(Rejection::NoIdentity { field, id, problem: "nobody's id" })
}

fn parse<'a, T: Deserialize<'a>>(field: &'static str, raw: &'a str) -> Result<T, Rejection> {
    let Object(value) = serde_json::from_str(raw)
        .map_err(|error| Rejection::Unreadable { field, reason: error.to_string() })
        .and_then(|wire| required(field, wire))?;
    Ok(value)
}

fn required<'a, T: Wire<'a>>(name: &'static str, wire: Field<T>) -> Result<T, Rejection> {
    optional(name, wire)?.ok_or(Rejection::Missing(name))
}

fn optional<'a, T: Wire<'a>>(field: &'static str, wire: Field<T>) -> Result<Option<T>, Rejection> {
    match wire {
        Field::Absent => Ok(None),
        Field::Is(value) => Ok(Some(value)),
        Field::Other(found) => Err(Rejection::WrongType { field, expected: T::NAME, found }),
    }
}
