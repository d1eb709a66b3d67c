//! An event that still lacks the names and texts that VK has to be asked for.

use std::sync::Arc;

use super::{Rules, message, naming};
use crate::{
    enrich::{LookupRequest, Lookups},
    event::{Button, Content, Event, Message, Reaction},
    vk::{Identity, bounds},
};

/// All that an update says by itself.
#[derive(Debug)]
pub struct PartialEvent {
    pub(super) event_id: EventId,
    pub(super) author: Identity,
    pub(super) peer: Identity,
    pub(super) body: Body,
    pub(super) date: Option<i64>,
    /// A part was left out because VK allows far less.
    pub(super) is_cut: bool,
}

/// Where the id of an event comes from.
#[derive(Debug)]
pub(super) enum EventId {
    /// VK gave it.
    Given(String),
    /// VK gave none: the digest of the update.
    Digest(String),
}

#[derive(Debug)]
pub(super) enum Body {
    Message {
        message: Message,
        /// VK left out a part of the message.
        cropped: bool,
        /// The title that a `chat_title_update` gives to the chat.
        new_title: Option<String>,
    },
    Button(Button),
    Reaction(Reaction),
}

impl PartialEvent {
    /// Whether the event's id tells this happening from all others, so that a second event with
    /// the same id is a repeat. A digest does, except a reaction's: to put, take back and put it
    /// again gives twice the same update.
    #[must_use]
    pub fn id_is_unique(&self) -> bool {
        match self.event_id {
            EventId::Given(_) => true,
            EventId::Digest(_) => !matches!(self.body, Body::Reaction(_)),
        }
    }

    /// When a message was written, in seconds since 1970, by VK's clock. Other events have no date.
    #[must_use]
    pub fn date(&self) -> Option<i64> {
        self.date
    }

    /// Whether attachments, forwarded messages or a title beyond ten times VK's own limits were left out.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Cuts the title that this update gives to its chat to so many bytes.
    pub fn cut_title(&mut self, most: usize) {
        if let Body::Message { new_title: Some(title), .. } = &mut self.body {
            bounds::cut(title, most);
        }
    }

    /// Adds what VK has to be asked for before [`complete`](Self::complete).
    pub fn add_needs(&self, needs: &mut LookupRequest) {
        naming::add_need(self.author, needs);
        if self.new_title().is_none() {
            naming::add_need(self.peer, needs);
        }
        if let Body::Message { message, cropped: true, .. } = &self.body {
            needs.messages.insert((self.peer.id(), message.cmid));
        }
    }

    /// The peer id of a chat and the title that this update gives to it.
    #[must_use]
    pub fn new_title(&self) -> Option<(i64, &str)> {
        match (&self.body, self.peer) {
            (Body::Message { new_title: Some(title), .. }, Identity::Chat(peer_id)) => {
                Some((peer_id, title))
            }
            _ => None,
        }
    }

    /// Adds what is known. What is not known stays as the update has it, or empty.
    #[must_use]
    pub fn complete(self, known: &Lookups, rules: &Rules) -> Event {
        let user = naming::user(self.author, known);
        let peer = naming::peer(self.peer, self.new_title().map(|(_, title)| title), known);
        let (EventId::Given(event_id) | EventId::Digest(event_id)) = self.event_id;
        let content = match self.body {
            Body::Message { message, cropped, .. } => {
                let whole = cropped
                    .then(|| known.messages.get(&(peer.bpid, message.cmid)))
                    .flatten()
                    .and_then(|raw| message::whole(raw.get(), message.cmid, rules));
                let message = whole.unwrap_or(message);
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

/// Completes the drafts of a batch in VK's order. A new title shows from its own event on, and
/// stays in `known`.
pub fn complete_all(
    drafts: impl IntoIterator<Item = PartialEvent>,
    known: &mut Lookups,
    rules: &Rules,
) -> Vec<Event> {
    complete_each(drafts, known, rules).collect()
}

/// The same one at a time, for who does not need all events at once.
pub fn complete_each(
    drafts: impl IntoIterator<Item = PartialEvent>,
    known: &mut Lookups,
    rules: &Rules,
) -> impl Iterator<Item = Event> {
    drafts.into_iter().map(|draft: PartialEvent| {
        if let Some((peer_id, title)) = draft.new_title() {
            known.chats.insert(peer_id, Arc::from(title));
        }
        draft.complete(known, rules)
    })
}
