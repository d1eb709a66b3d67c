//! What a batch of updates needs to know, and what is known: plain data, no I/O.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::value::RawValue;

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

/// The place of a message: `(peer_id, conversation_message_id)`.
pub type MessagePlace = (i64, i64);

/// The identities and messages that a batch of updates refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// User ids (positive).
    pub users: BTreeSet<i64>,
    /// Community ids as `groups.getById` takes them (positive).
    pub communities: BTreeSet<i64>,
    /// Peer ids of chats (above 2 000 000 000).
    pub chats: BTreeSet<i64>,
    /// Cropped messages whose whole text has to be asked for.
    pub messages: BTreeSet<MessagePlace>,
}

/// The answers to [`Needs`]. An id that is absent is one that VK does not know or will not tell.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Users by id.
    pub users: HashMap<i64, Arc<Person>>,
    /// Communities by positive id.
    pub communities: HashMap<i64, Arc<Community>>,
    /// Chat titles by peer id.
    pub chats: HashMap<i64, Arc<str>>,
    /// Whole messages, as raw VK message objects, by place.
    pub messages: HashMap<MessagePlace, Box<RawValue>>,
}
