//! What the converter needs to know beside an update, and the answers to that: plain data.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::value::RawValue;

use crate::vk::{Identity, bounds};

/// A user's names as VK returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First name; `DELETED` for a deleted account.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Short address (`domain`); `None` when VK returns none.
    pub domain: Option<String>,
}

/// A community's names as VK returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// The community's name.
    pub name: String,
    /// Short address (`screen_name`); `None` when VK returns none.
    pub screen_name: Option<String>,
}

impl Person {
    /// The length of its texts in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Self { first_name, last_name, domain } = self;
        first_name.len() + last_name.len() + domain.as_ref().map_or(0, String::len)
    }
}

impl Community {
    /// The length of its texts in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Self { name, screen_name } = self;
        name.len() + screen_name.as_ref().map_or(0, String::len)
    }
}

/// Identifies a message: `(peer_id, conversation_message_id)`.
pub type MessagePlace = (i64, i64);

/// The ids and messages that a batch of updates refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupRequest {
    /// User ids (positive).
    pub users: BTreeSet<i64>,
    /// Community ids as `groups.getById` takes them (positive).
    pub communities: BTreeSet<i64>,
    /// Peer ids of chats (above 2 000 000 000).
    pub chats: BTreeSet<i64>,
    /// Messages that VK cropped in its updates.
    pub messages: BTreeSet<MessagePlace>,
}

impl LookupRequest {
    /// Adds an author or a peer. Guests by e-mail have no names to look up.
    pub(super) fn add(&mut self, identity: Identity) {
        match identity {
            Identity::User(id) => self.users.insert(id),
            Identity::Chat(peer_id) => self.chats.insert(peer_id),
            Identity::Community(id) => self.communities.insert(id),
            Identity::Email(_) => false,
        };
    }
}

/// The answers to a [`LookupRequest`]. An id that VK does not know, or has no access to, is absent.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// Users by id.
    pub users: HashMap<i64, Arc<Person>>,
    /// Communities by positive id.
    pub communities: HashMap<i64, Arc<Community>>,
    /// Chat titles by peer id.
    pub chats: HashMap<i64, Arc<str>>,
    /// Complete messages, as raw VK message objects.
    pub messages: HashMap<MessagePlace, Box<RawValue>>,
}

impl Lookups {
    /// The length in bytes of the longest names of one user, community or chat.
    #[must_use]
    pub fn longest_name(&self) -> usize {
        let users = self.users.values().map(|person| person.bytes());
        let communities = self.communities.values().map(|community| community.bytes());
        let chats = self.chats.values().map(|title| title.len());
        users.chain(communities).chain(chats).max().unwrap_or_default()
    }

    /// Shortens each name and title to at most `limit` bytes.
    pub fn cut_names(&mut self, limit: usize) {
        for person in self.users.values_mut().map(Arc::make_mut) {
            bounds::cut(&mut person.first_name, limit);
            bounds::cut(&mut person.last_name, limit);
        }
        for community in self.communities.values_mut().map(Arc::make_mut) {
            bounds::cut(&mut community.name, limit);
        }
        for title in self.chats.values_mut() {
            let mut text = title.to_string();
            if bounds::cut(&mut text, limit) {
                *title = text.into();
            }
        }
    }
}
