//! The updates that become events, as VK sends them (API 5.199, and older versions that communities still
//! use). Only the fields of events are parsed; all others are skipped, without recursion.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    bounds::{ATTACHMENTS, FORWARDS},
    field::{Field, First, Object},
};

/// The envelope of every update. The object is not parsed before its type is known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Field<String>,
    /// The community whose queue the update comes from.
    pub(crate) group_id: Field<i64>,
    /// 40 hex digits; API versions below 5.131 send none.
    pub(crate) event_id: Field<String>,
    #[serde(borrow)]
    pub(crate) object: Option<&'a RawValue>,
}

/// The object of `message_new` since 5.103; before, the object was the message itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageNew {
    pub(crate) message: Field<Object<Message>>,
}

/// A message, from `message_new` or from `messages.getByConversationMessageId`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) peer_id: Field<i64>,
    pub(crate) from_id: Field<i64>,
    pub(crate) date: Field<i64>,
    pub(crate) conversation_message_id: Field<i64>,
    pub(crate) text: Field<String>,
    pub(crate) attachments: Field<First<Field<Object<Attachment>>, ATTACHMENTS>>,
    /// A location, which is not among the attachments.
    pub(crate) geo: Option<IgnoredAny>,
    #[serde(rename = "reply_message")]
    pub(crate) reply: Field<Object<ForeignMessage>>,
    #[serde(rename = "fwd_messages")]
    pub(crate) forward: Field<First<Field<Object<ForeignMessage>>, FORWARDS>>,
    pub(crate) action: Field<Object<Action>>,
    /// VK omitted a part of the message.
    pub(crate) is_cropped: Field<bool>,
    pub(crate) deleted: Field<bool>,
}

/// A message that was replied to or forwarded. Its own forwards are not parsed: they are nested up to 45
/// levels deep.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ForeignMessage {
    pub(crate) from_id: Field<i64>,
    pub(crate) conversation_message_id: Field<i64>,
    pub(crate) peer_id: Field<i64>,
    pub(crate) text: Field<String>,
}

/// An attachment, of which only the type matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attachment {
    #[serde(rename = "type")]
    pub(crate) kind: Field<String>,
}

/// A chat's service message: who came, who left, the new title.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Action {
    #[serde(rename = "type")]
    pub(crate) kind: Field<String>,
    /// The title, for `chat_create` and `chat_title_update`.
    pub(crate) text: Field<String>,
    /// Who joins or leaves the chat, among others.
    pub(crate) member_id: Field<i64>,
}

/// The object of `message_event`: a press on a callback button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageEvent<'a> {
    pub(crate) user_id: Field<i64>,
    pub(crate) peer_id: Field<i64>,
    /// The id of the press, which a reply to it must name; not the update's.
    pub(crate) event_id: Field<String>,
    /// Any JSON value. VK's schema says a string, but its server sends the value itself.
    #[serde(borrow)]
    pub(crate) payload: Option<&'a RawValue>,
    /// Absent if the keyboard belongs to the conversation and not to a message.
    pub(crate) conversation_message_id: Field<i64>,
}

/// The object of `message_reaction_event`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageReactionEvent {
    pub(crate) reacted_id: Field<i64>,
    pub(crate) peer_id: Field<i64>,
    pub(crate) cmid: Field<i64>,
    /// Absent if the reaction was removed.
    pub(crate) reaction_id: Field<i64>,
}
