//! An event without the names and texts that have to be looked up in VK.

use std::sync::Arc;

use super::{LookupRequest, Lookups, Rules, message, naming};
use crate::{
    event::{Button, Content, Event, Message, Reaction},
    vk::{Identity, bounds},
};

/// An event as far as its update defines it; [`complete`] makes it an [`Event`].
#[derive(Debug)]
pub struct PartialEvent {
    pub(super) event_id: EventId,
    pub(super) author: Identity,
    pub(super) peer: Identity,
    pub(super) body: Body,
    pub(super) date: Option<i64>,
    /// A part of the update was left out because it exceeds the bounds.
    pub(super) is_cut: bool,
}

/// The id of an event, by its origin.
#[derive(Debug)]
pub(super) enum EventId {
    /// VK's id of the update.
    Given(String),
    /// The digest of an update without an id.
    Digest(String),
}

#[derive(Debug)]
pub(super) enum Body {
    Message {
        message: Message,
        /// VK left out a part of the message.
        cropped: bool,
        change: Option<ChatChange>,
    },
    Button(Button),
    Reaction(Reaction),
}

/// What a service message changes in its chat.
#[derive(Debug)]
pub(super) enum ChatChange {
    /// The title.
    Title(String),
    /// The user with this id becomes a member.
    Joined(i64),
}

impl PartialEvent {
    /// Whether a second event with the same id is a duplicate. The digest of a reaction does not identify
    /// it: a user who adds, removes and adds the same reaction causes two identical updates.
    #[must_use]
    pub fn id_is_unique(&self) -> bool {
        match self.event_id {
            EventId::Given(_) => true,
            EventId::Digest(_) => !matches!(self.body, Body::Reaction(_)),
        }
    }

    /// When a message was written, in seconds since 1970 by VK's clock; `None` for other events.
    #[must_use]
    pub fn date(&self) -> Option<i64> {
        self.date
    }

    /// Whether attachments, forwarded messages or a part of a title were left out because they exceed VK's
    /// own limits ten times.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Shortens the title that this update gives to its chat to at most `limit` bytes.
    pub fn cut_title(&mut self, limit: usize) {
        if let Body::Message { change: Some(ChatChange::Title(title)), .. } = &mut self.body {
            bounds::cut(title, limit);
        }
    }

    /// Adds the ids and the message that [`complete`] needs for this event.
    pub fn add_to(&self, request: &mut LookupRequest) {
        request.add(self.author);
        if self.new_title().is_none() {
            request.add(self.peer);
        }
        if let Body::Message { message, cropped: true, .. } = &self.body {
            request.messages.insert((self.peer.id(), message.cmid));
        }
    }

    /// The author.
    #[must_use]
    pub fn author(&self) -> Identity {
        self.author
    }

    /// The conversation.
    #[must_use]
    pub fn peer(&self) -> Identity {
        self.peer
    }

    /// The id of a user who became a member of the chat, according to this update.
    #[must_use]
    pub fn joined(&self) -> Option<i64> {
        match self.body {
            Body::Message { change: Some(ChatChange::Joined(user)), .. } => Some(user),
            _ => None,
        }
    }

    /// The peer id of a chat and the title that this update gives to it.
    #[must_use]
    pub fn new_title(&self) -> Option<(i64, &str)> {
        match (&self.body, self.peer) {
            (
                Body::Message { change: Some(ChatChange::Title(title)), .. },
                Identity::Chat(peer_id),
            ) => Some((peer_id, title)),
            _ => None,
        }
    }

    fn complete(self, lookups: &Lookups, rules: &Rules) -> Event {
        let user = naming::user(self.author, lookups);
        let peer = naming::peer(self.peer, lookups);
        let (EventId::Given(event_id) | EventId::Digest(event_id)) = self.event_id;
        let content = match self.body {
            Body::Message { message, cropped, .. } => {
                let complete = cropped
                    .then(|| lookups.messages.get(&(peer.bpid, message.cmid)))
                    .flatten()
                    .and_then(|raw| message::complete(raw.get(), message.cmid, rules));
                let message = complete.unwrap_or(message);
                if rules.is_command(&message.text) {
                    Content::Command(message)
                } else {
                    Content::Message(message)
                }
            }
            Body::Button(button) => Content::Button(button),
            Body::Reaction(reaction) => Content::Reaction(reaction),
        };
        Event { event_id, user, peer, content }
    }
}

/// Makes events of a batch, which is in VK's order, one at a time. A part whose look-up is absent from
/// `lookups` stays as the update has it, or empty. A new chat title applies from its own event on, and stays
/// in `lookups`.
pub fn complete(
    partials: impl IntoIterator<Item = PartialEvent>,
    lookups: &mut Lookups,
    rules: &Rules,
) -> impl Iterator<Item = Event> {
    partials.into_iter().map(|partial: PartialEvent| {
        if let Some((peer_id, title)) = partial.new_title() {
            lookups.chats.insert(peer_id, Arc::from(title));
        }
        partial.complete(lookups, rules)
    })
}
