//! The updates that become events, as VK sends them (API 5.199, and older where communities still
//! use it). Only what an event is made of is read; all else is skipped, without recursion.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    bounds::{ATTACHMENTS, FORWARDS},
    field::{Field, First, Object},
};

/// What surrounds every update. The object is kept raw until its type is known to be of use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Field<String>,
    /// The community whose queue the update comes from.
    pub(crate) group_id: Field<i64>,
    /// 40 hex digits; old settings versions (below 5.131) send none.
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
    /// A location: beside the attachments, not among them.
    pub(crate) geo: Option<IgnoredAny>,
    #[serde(rename = "reply_message")]
    pub(crate) reply: Field<Object<ForeignMessage>>,
    #[serde(rename = "fwd_messages")]
    pub(crate) forward: Field<First<Field<Object<ForeignMessage>>, FORWARDS>>,
    pub(crate) action: Field<Object<Action>>,
    /// Part of the message was left out of the update.
    pub(crate) is_cropped: Field<bool>,
    pub(crate) deleted: Field<bool>,
}

/// A message answered or forwarded. Its own forwards are not read: they nest 45 deep.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ForeignMessage {
    pub(crate) from_id: Field<i64>,
    pub(crate) conversation_message_id: Field<i64>,
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
}

/// The object of `message_event`: a press on a callback button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageEvent<'a> {
    pub(crate) user_id: Field<i64>,
    pub(crate) peer_id: Field<i64>,
    /// The press's own id, which an answer to it has to name; not the update's.
    pub(crate) event_id: Field<String>,
    /// Any JSON value; VK's schema says a string, its server sends the value itself.
    #[serde(borrow)]
    pub(crate) payload: Option<&'a RawValue>,
    /// None when the keyboard belongs to the conversation and not to a message.
    pub(crate) conversation_message_id: Field<i64>,
}

/// The object of `message_reaction_event`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageReactionEvent {
    pub(crate) reacted_id: Field<i64>,
    pub(crate) peer_id: Field<i64>,
    pub(crate) cmid: Field<i64>,
    /// None when the reaction was taken back.
    pub(crate) reaction_id: Field<i64>,
}
