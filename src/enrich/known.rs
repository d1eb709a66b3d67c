//! What a batch of updates needs to know, and what is known: plain data, no I/O.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::value::RawValue;

use super::cache::Size;
use crate::vk::bounds;

/// A VK user's names as VK tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First name; `DELETED` for a deleted account.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Short address (`domain`), absent when VK gives none.
    pub domain: Option<String>,
}

/// A VK community's names as VK tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// The community's name.
    pub name: String,
    /// Short address (`screen_name`), absent when VK gives none.
    pub screen_name: Option<String>,
}

impl Size for Arc<Person> {
    fn size(&self) -> usize {
        let Person { first_name, last_name, domain } = &**self;
        first_name.len() + last_name.len() + domain.as_ref().map_or(0, String::len)
    }
}

impl Size for Arc<Community> {
    fn size(&self) -> usize {
        let Community { name, screen_name } = &**self;
        name.len() + screen_name.as_ref().map_or(0, String::len)
    }
}

impl Size for Arc<str> {
    fn size(&self) -> usize {
        self.len()
    }
}

/// The place of a message: `(peer_id, conversation_message_id)`.
pub type MessagePlace = (i64, i64);

/// The identities and messages that a batch of updates refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupRequest {
    /// User ids (positive).
    pub users: BTreeSet<i64>,
    /// Community ids as `groups.getById` takes them (positive).
    pub communities: BTreeSet<i64>,
    /// Peer ids of chats (above 2 000 000 000).
    pub chats: BTreeSet<i64>,
    /// Cropped messages whose whole text has to be asked for.
    pub messages: BTreeSet<MessagePlace>,
}

/// The answers to [`LookupRequest`]. An id that is absent is one that VK does not know or will not tell.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// Users by id.
    pub users: HashMap<i64, Arc<Person>>,
    /// Communities by positive id.
    pub communities: HashMap<i64, Arc<Community>>,
    /// Chat titles by peer id.
    pub chats: HashMap<i64, Arc<str>>,
    /// Whole messages, as raw VK message objects, by place.
    pub messages: HashMap<MessagePlace, Box<RawValue>>,
}

impl Lookups {
    /// The longest that anybody's or any chat's names are, in bytes.
    #[must_use]
    pub fn longest_name(&self) -> usize {
        let users = self.users.values().map(Size::size);
        let communities = self.communities.values().map(Size::size);
        let chats = self.chats.values().map(Size::size);
        users.chain(communities).chain(chats).max().unwrap_or_default()
    }

    /// Cuts each name and title to so many bytes.
    pub fn cut_names(&mut self, most: usize) {
        for person in self.users.values_mut().map(Arc::make_mut) {
            bounds::cut(&mut person.first_name, most);
            bounds::cut(&mut person.last_name, most);
        }
        for community in self.communities.values_mut().map(Arc::make_mut) {
            bounds::cut(&mut community.name, most);
        }
        for title in self.chats.values_mut() {
            let mut text = title.to_string();
            if bounds::cut(&mut text, most) {
                *title = text.into();
            }
        }
    }
}
