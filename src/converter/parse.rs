//! Parses an update's text into a [`PartialEvent`]: first its type, then the object of routed types only.

use serde_json::value::RawValue;
use sha1::{Digest, Sha1};

use super::{
    Rejection, Rules,
    fields::{self, author, identity, optional, required},
    message,
    partial::{Body, EventId, PartialEvent},
    payload,
};
use crate::{
    event::{Button, Reaction},
    vk::{
        field::{Field, Object},
        update::{Envelope, Message, MessageEvent, MessageNew, MessageReactionEvent},
    },
};

/// The result of parsing an update.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every update is routed; a box would cost each an allocation"
)]
pub enum Parsed {
    /// An update that becomes an event.
    Routed(PartialEvent),
    /// An update of a type, given here, that does not become an event.
    Unrouted(String),
    /// An update of a routed type, or malformed JSON, that cannot become an event.
    Rejected(Rejection),
}

/// Parses one update, given as JSON text.
#[must_use]
pub fn parse(raw: &str, rules: &Rules) -> Parsed {
    update(raw, rules).unwrap_or_else(Parsed::Rejected)
}

type ParseObject = fn(EventId, &RawValue, &Rules) -> Result<PartialEvent, Rejection>;

fn update(raw: &str, rules: &Rules) -> Result<Parsed, Rejection> {
    let Envelope { kind, group_id, event_id, object } = fields::object("the update", raw)?;
    check_community(group_id, rules)?;
    let kind = required("type", kind)?;
    let parse_object: ParseObject = match kind.as_str() {
        "message_new" => message_new,
        "message_event" => message_event,
        "message_reaction_event" => message_reaction_event,
        _ => return Ok(Parsed::Unrouted(kind)),
    };
    let event_id = event_id_of(raw, event_id)?;
    let object = object.ok_or(Rejection::Missing("object"))?;
    parse_object(event_id, object, rules).map(Parsed::Routed)
}

/// Rejects an update of another community, whatever its type. An update without a community passes.
fn check_community(group_id: Field<i64>, rules: &Rules) -> Result<(), Rejection> {
    let Some(expected) = rules.group_id else { return Ok(()) };
    match optional("group_id", group_id)? {
        Some(found) if found != expected => Err(Rejection::ForeignGroup { found, expected }),
        _ => Ok(()),
    }
}

fn event_id_of(raw: &str, event_id: Field<String>) -> Result<EventId, Rejection> {
    Ok(match optional("event_id", event_id)? {
        Some(id) if !id.is_empty() => EventId::Given(id),
        _ => EventId::Digest(digest(raw.trim())),
    })
}

/// SHA-1 in lowercase hex, the format of VK's own event ids.
fn digest(raw: &str) -> String {
    Sha1::digest(raw)
        .into_iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn message_new(
    event_id: EventId,
    object: &RawValue,
    rules: &Rules,
) -> Result<PartialEvent, Rejection> {
    let wrapped: MessageNew = fields::object("object", object.get())?;
    let mut wire: Message = match optional("message", wrapped.message)? {
        Some(Object(wire)) => wire,
        // Before 5.103 the object is the message.
        None => fields::object("object", object.get())?,
    };
    let author = author("from_id", wire.from_id)?;
    let peer = identity("peer_id", wire.peer_id)?;
    let cmid = required("conversation_message_id", wire.conversation_message_id)?;
    let date = match wire.date {
        Field::Is(date) => Some(date),
        _ => None,
    };
    let cropped = matches!(wire.is_cropped, Field::Is(true));
    let (change, is_cut) = message::change(std::mem::take(&mut wire.action)).unzip();
    let (message, left_out) = message::contents(wire, cmid, rules)?;
    let is_cut = is_cut == Some(true) || left_out > 0;
    let body = Body::Message { message, cropped, change };
    Ok(PartialEvent { event_id, author, peer, body, date, is_cut })
}

fn message_event(
    event_id: EventId,
    object: &RawValue,
    _: &Rules,
) -> Result<PartialEvent, Rejection> {
    let wire: MessageEvent<'_> = fields::object("object", object.get())?;
    let author = author("user_id", wire.user_id)?;
    let peer = identity("peer_id", wire.peer_id)?;
    let button = Button {
        cmid: optional("conversation_message_id", wire.conversation_message_id)?.unwrap_or(0),
        beid: required("event_id of the press", wire.event_id)?,
        payload: payload::read(wire.payload)?,
    };
    Ok(PartialEvent {
        event_id,
        author,
        peer,
        body: Body::Button(button),
        date: None,
        is_cut: false,
    })
}

fn message_reaction_event(
    event_id: EventId,
    object: &RawValue,
    _: &Rules,
) -> Result<PartialEvent, Rejection> {
    let wire: MessageReactionEvent = fields::object("object", object.get())?;
    let author = author("reacted_id", wire.reacted_id)?;
    let peer = identity("peer_id", wire.peer_id)?;
    let reaction = Reaction {
        cmid: required("cmid", wire.cmid)?,
        rid: optional("reaction_id", wire.reaction_id)?.unwrap_or(0),
    };
    Ok(PartialEvent {
        event_id,
        author,
        peer,
        body: Body::Reaction(reaction),
        date: None,
        is_cut: false,
    })
}
