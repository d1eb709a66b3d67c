//! Seeded updates of mixed kinds: those of a busy community, and rare variants.

mod attachment;
mod message;
mod other;
mod press;
mod text;
mod unconvertible;

use std::{
    collections::{HashMap, VecDeque},
    fmt::Display,
};

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    Options,
    world::{CHAT_BASE, World, circle},
};

/// Seconds since 1970 of the first generated update.
const FIRST_DATE: u64 = 1_700_000_000;
/// No user has an id from here on.
const FIRST_UNKNOWN_USER: i64 = 900_000_000;

/// One generated update.
#[derive(Debug)]
pub(crate) struct Update {
    /// Its type as in the settings; empty if it has none.
    pub(crate) event_type: &'static str,
    /// Its JSON text.
    pub(crate) text: String,
}

/// Draws updates; the same seed and world give the same updates.
#[derive(Debug)]
pub(crate) struct Generator {
    random: ChaCha8Rng,
    unconvertible: f64,
    unknown_users: f64,
    crops: bool,
    group_id: i64,
    users: Vec<i64>,
    communities: Vec<i64>,
    chats: Vec<i64>,
    /// As in [`World`].
    circles: u32,
    /// The keys of complete messages in the world, the oldest first.
    twins: VecDeque<(i64, i64)>,
    /// The number of updates drawn, which each text contains.
    number: u64,
    /// The newest conversation message id of each peer.
    newest_ids: HashMap<i64, i64>,
}

impl Generator {
    pub(crate) fn new(options: &Options, world: &World) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(options.seed),
            unconvertible: options.unconvertible.clamp(0.0, 1.0),
            unknown_users: options.unknown_users.clamp(0.0, 1.0),
            crops: options.cropped,
            group_id: world.group_id,
            users: world.users.keys().copied().collect(),
            communities: world.communities.keys().copied().collect(),
            chats: world.chats.keys().copied().collect(),
            circles: world.circles(),
            twins: VecDeque::new(),
            number: 0,
            newest_ids: HashMap::new(),
        }
    }

    /// Draws the next update and applies what it changes in the world, such as a chat's title.
    pub(crate) fn next(&mut self, world: &mut World) -> Update {
        self.number += 1;
        if self.chance(self.unconvertible) {
            return self.unconvertible();
        }
        match self.random.random_range(0..100) {
            0..72 => self.message_new(world),
            72..82 => self.message_event(),
            82..90 => self.reaction(),
            _ => self.other(),
        }
    }

    /// An update around the JSON of its object; some have the format of old settings, or unknown fields.
    fn update(&mut self, event_type: &'static str, object: &impl Display) -> Update {
        let group_id = self.group_id;
        let kind = self.random.random_range(0..100);
        let text = if kind < 2 {
            format!(r#"{{"type":"{event_type}","object":{object},"group_id":{group_id}}}"#)
        } else {
            let event_id = self.hex(40);
            let more = if kind == 2 { r#","secret":"","shard":{"node":[1,2.5,null]}"# } else { "" };
            format!(
                r#"{{"group_id":{group_id},"type":"{event_type}","event_id":"{event_id}","v":"5.199","object":{object}{more}}}"#
            )
        };
        Update { event_type, text }
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.random_bool(share)
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        items.choose(&mut self.random).copied()
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).filter_map(|_| self.pick(b"0123456789abcdef")).map(char::from).collect()
    }

    /// Ten updates a second.
    fn date(&self) -> u64 {
        FIRST_DATE + self.number / 10
    }

    fn next_message_id(&mut self, peer: i64) -> i64 {
        let id = self.newest_ids.entry(peer).or_default();
        *id += 1;
        *id
    }

    /// A plausible id of a message in the peer.
    fn some_message_id(&mut self, peer: i64) -> i64 {
        let newest = self.newest_ids.get(&peer).copied().unwrap_or(1);
        self.random.random_range(1..=newest)
    }

    /// A user; sometimes one that VK does not know.
    fn user(&mut self) -> i64 {
        let unknown = FIRST_UNKNOWN_USER + self.random.random_range(0..1000);
        if self.chance(self.unknown_users) {
            return unknown;
        }
        self.users.choose(&mut self.random).copied().unwrap_or(unknown)
    }

    /// A member of a chat; sometimes a user that VK does not know. In other peers, any user.
    fn member(&mut self, peer: i64) -> i64 {
        let user = self.user();
        let Ok(place) = self.users.binary_search(&user) else { return user };
        if peer < CHAT_BASE {
            return user;
        }
        let place = place - place % self.circles as usize + circle(peer, self.circles);
        self.users.get(place).copied().unwrap_or(user)
    }

    fn community(&mut self) -> i64 {
        self.communities.choose(&mut self.random).copied().unwrap_or(self.group_id)
    }

    /// A peer: mostly chats, also dialogs with users and communities.
    fn peer(&mut self) -> i64 {
        match self.random.random_range(0..100) {
            0..80 => match self.chats.choose(&mut self.random) {
                Some(&chat) => chat,
                None => self.user(),
            },
            80..98 => self.user(),
            _ => -self.community(),
        }
    }

    /// An author in the peer: in a dialog the other side, in a chat anyone.
    fn author(&mut self, peer: i64) -> i64 {
        if peer < CHAT_BASE {
            return peer;
        }
        match self.random.random_range(0..100) {
            0..94 => self.member(peer),
            94..98 => -self.community(),
            _ => -self.group_id,
        }
    }
}

#[cfg(test)]
mod tests;
