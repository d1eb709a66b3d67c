//! The section `[names]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::setting::{Contradiction, HOUR, SECOND, YEAR, choice, duration, whole};

/// Look-ups of names and their cache.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The cache's capacity in users: 1000 to 10000000.
    #[serde(deserialize_with = "users")]
    pub users: u64,
    /// The cache's capacity in chats, and in communities: 100 to 10000000.
    #[serde(deserialize_with = "chats")]
    pub chats: u64,
    /// The age at which a name is refreshed in the background: 1s to 365d.
    #[serde(deserialize_with = "duration::<_, SECOND, YEAR>")]
    pub soft_ttl: Duration,
    /// The age at which a name is no longer used: 1s to 365d, not shorter than `soft_ttl`.
    #[serde(deserialize_with = "duration::<_, SECOND, YEAR>")]
    pub hard_ttl: Duration,
    /// How long VK's "no such user" is cached: 1s to 365d, not longer than `soft_ttl`.
    #[serde(deserialize_with = "duration::<_, SECOND, YEAR>")]
    pub negative_ttl: Duration,
    /// Whether names are kept in Redis too.
    pub persist: bool,
    /// What happens to events of an id whose look-up keeps failing.
    #[serde(deserialize_with = "choice")]
    pub unresolved: Unresolved,
    /// How long the look-up of such an id is retried before `unresolved` applies: 1s to 1h.
    #[serde(deserialize_with = "duration::<_, SECOND, HOUR>")]
    pub unresolved_after: Duration,
}

/// What happens to events of an id whose look-up keeps failing when asked for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unresolved {
    /// They are delivered as if VK did not know the id.
    Deliver,
    /// They wait, and so does every event after them.
    Wait,
}

/// How long answers from VK are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ttls {
    /// The age at which a name is refreshed in the background.
    pub(super) soft: Duration,
    /// The age at which a name is no longer used.
    pub(super) hard: Duration,
    /// How long VK's "no such user" is cached.
    pub(super) negative: Duration,
}

impl Config {
    /// The most names that are cached.
    #[must_use]
    pub fn capacity(&self) -> usize {
        usize::try_from(self.users + 2 * self.chats).unwrap_or(usize::MAX)
    }

    pub(super) fn ttls(&self) -> Ttls {
        Ttls { soft: self.soft_ttl, hard: self.hard_ttl, negative: self.negative_ttl }
    }

    pub(crate) fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        if self.hard_ttl < self.soft_ttl {
            found.push(["names.hard_ttl", "must not be shorter than", "names.soft_ttl"]);
        }
        if self.negative_ttl > self.soft_ttl {
            found.push(["names.negative_ttl", "must not be longer than", "names.soft_ttl"]);
        }
        found
    }
}

fn users<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole(from, "users", 1000..=10_000_000)
}

fn chats<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole(from, "chats", 100..=10_000_000)
}
