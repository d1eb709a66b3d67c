//! The event: what this service makes of a VK update and puts on the bus.

mod form;
mod kind;
mod parts;
mod schema;

use serde_json::Value;

pub use kind::{EventType, UnknownEventType};
pub use parts::{Button, Message, Peer, Reaction, Reply, User};
pub use schema::event_schema;

/// Something that happened in a community's conversation. In JSON, `event_type` comes first and
/// [`content`](Self::content) stands last, under the name of what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// VK's id of the update; a digest of the update where VK gave none.
    pub event_id: String,
    /// Who caused the event.
    pub user: User,
    /// The conversation in which it happened.
    pub peer: Peer,
    /// What happened.
    pub content: Content,
}

/// What happened; decides the type of the event.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A message was written.
    Message(Message),
    /// A message was written that begins with a command prefix.
    Command(Message),
    /// A callback button was pressed.
    Button(Button),
    /// A reaction was put under a message, or taken back.
    Reaction(Reaction),
}

impl Event {
    /// The type of the event, which follows from its content.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match self.content {
            Content::Message(_) => EventType::Message,
            Content::Command(_) => EventType::Command,
            Content::Button(_) => EventType::Button,
            Content::Reaction(_) => EventType::Reaction,
        }
    }

    /// The event as a dictionary, its keys in the order of the specification. An attribute that
    /// the type does not have is absent, not null.
    #[must_use]
    pub fn as_dict(&self) -> Value {
        #[expect(clippy::expect_used, reason = "an event holds nothing that JSON cannot")]
        serde_json::to_value(self).expect("strings, integers and JSON values become JSON")
    }
}
