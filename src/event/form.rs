//! The JSON form of an event: one definition for writing it, reading it and its schema.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Button, Content, Event, Message, Peer, Reaction, User};

/// An event of a VK community: who did what in which conversation.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event_type", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(title = "Event")]
pub(super) enum Form<'a> {
    /// A message was written.
    #[schemars(title = "Message")]
    Message {
        /// VK's id of the update; a digest of the update where VK gave none.
        event_id: Cow<'a, str>,
        user: Cow<'a, User>,
        peer: Cow<'a, Peer>,
        message: Cow<'a, Message>,
    },
    /// A message was written that begins with a command prefix.
    #[schemars(title = "Command")]
    Command {
        /// VK's id of the update; a digest of the update where VK gave none.
        event_id: Cow<'a, str>,
        user: Cow<'a, User>,
        peer: Cow<'a, Peer>,
        message: Cow<'a, Message>,
    },
    /// A callback button was pressed.
    #[schemars(title = "Button")]
    Button {
        /// VK's id of the update; a digest of the update where VK gave none.
        event_id: Cow<'a, str>,
        user: Cow<'a, User>,
        peer: Cow<'a, Peer>,
        button: Cow<'a, Button>,
    },
    /// A reaction was put under a message, or taken back.
    #[schemars(title = "Reaction")]
    Reaction {
        /// VK's id of the update; a digest of the update where VK gave none.
        event_id: Cow<'a, str>,
        user: Cow<'a, User>,
        peer: Cow<'a, Peer>,
        reaction: Cow<'a, Reaction>,
    },
}

impl<'a> From<&'a Event> for Form<'a> {
    fn from(event: &'a Event) -> Self {
        let event_id = Cow::Borrowed(event.event_id.as_str());
        let user = Cow::Borrowed(&event.user);
        let peer = Cow::Borrowed(&event.peer);
        match &event.content {
            Content::Message(message) => {
                let message = Cow::Borrowed(message);
                Self::Message { event_id, user, peer, message }
            }
            Content::Command(message) => {
                let message = Cow::Borrowed(message);
                Self::Command { event_id, user, peer, message }
            }
            Content::Button(button) => {
                let button = Cow::Borrowed(button);
                Self::Button { event_id, user, peer, button }
            }
            Content::Reaction(reaction) => {
                let reaction = Cow::Borrowed(reaction);
                Self::Reaction { event_id, user, peer, reaction }
            }
        }
    }
}

impl From<Form<'_>> for Event {
    fn from(form: Form<'_>) -> Self {
        let (event_id, user, peer, content) = match form {
            Form::Message { event_id, user, peer, message } => {
                (event_id, user, peer, Content::Message(message.into_owned()))
            }
            Form::Command { event_id, user, peer, message } => {
                (event_id, user, peer, Content::Command(message.into_owned()))
            }
            Form::Button { event_id, user, peer, button } => {
                (event_id, user, peer, Content::Button(button.into_owned()))
            }
            Form::Reaction { event_id, user, peer, reaction } => {
                (event_id, user, peer, Content::Reaction(reaction.into_owned()))
            }
        };
        Self {
            event_id: event_id.into_owned(),
            user: user.into_owned(),
            peer: peer.into_owned(),
            content,
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Form::deserialize(deserializer).map(Self::from)
    }
}
