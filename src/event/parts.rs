//! What an event consists of. The order of the fields is their order in JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who caused the event: a user, or a community that writes in its own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// VK's id: positive for a user, negative for a community or an e-mail guest.
    #[schemars(example = 206_295_116)]
    pub uuid: i64,
    /// First and last name, or the community's name; empty when VK does not know the id.
    #[schemars(example = &"Руслан Башинский")]
    pub name: String,
    /// First name, or the community's name; `DELETED` for a deleted account.
    #[schemars(example = &"Руслан")]
    pub firstname: String,
    /// Last name; empty for a community.
    #[schemars(example = &"Башинский")]
    pub lastname: String,
    /// Short address; `id<uuid>` or `club<id>` when there is none.
    #[schemars(example = &"oidaho")]
    pub nick: String,
}

/// The conversation in which the event happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// VK's `peer_id`: above 2 000 000 000 for a chat, else the other side's id.
    #[schemars(example = 2_000_000_002_i64)]
    pub bpid: i64,
    /// The chat's number within the community; 0 when the conversation is no chat.
    #[schemars(example = 2)]
    pub cid: i64,
    /// The chat's title or the other side's name; empty when VK does not tell it.
    #[schemars(example = &"FUNCKA | TOASTER | DEV | CHAT")]
    pub name: String,
}

/// A message, also one that is a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The message's number within the conversation.
    #[schemars(example = 3895)]
    pub cmid: i64,
    /// The text; empty when there are only attachments, or a chat action.
    #[schemars(example = &"/command")]
    pub text: String,
    /// The message answered; null when it answers none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub reply: Option<Reply>,
    /// The messages forwarded, the first level of them.
    pub forward: Vec<Reply>,
    /// The types of the attachments in their order, then `geo`, `reply` and `forward` where the
    /// message has a location, answers a message, forwards any.
    #[schemars(example = ["photo", "reply"])]
    pub attachments: Vec<String>,
}

/// A message answered or forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The message's number within its conversation; 0 when VK does not tell it.
    #[schemars(example = 3894)]
    pub cmid: i64,
    /// The text; may be empty.
    #[schemars(example = &"Hi!")]
    pub text: String,
    /// VK's id of the author; only with `converter.reply_author` switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", example = 206_295_116)]
    pub uuid: Option<i64>,
    /// The conversation that the message is in, if VK names it. It is not part of the JSON: the pickles
    /// for the predecessor's first handlers depend on it.
    #[serde(skip)]
    pub bpid: Option<i64>,
}

/// A press on a callback button.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// The number of the message that carries the button; 0 for a conversation's keyboard.
    #[schemars(example = 3896)]
    pub cmid: i64,
    /// The id of the press, which `messages.sendMessageEventAnswer` takes as `event_id`.
    #[schemars(example = &"b0d7020c0bd1")]
    pub beid: String,
    /// What the button's maker put into it: an object as a rule, any JSON value in fact.
    #[schemars(example = serde_json::json!({"call_action": "close"}))]
    pub payload: Value,
}

/// A reaction put under a message, or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// The number of the message within the conversation.
    #[schemars(example = 3897)]
    pub cmid: i64,
    /// VK's number of the reaction; 0 when it was taken back.
    #[schemars(example = 1)]
    pub rid: i64,
}
