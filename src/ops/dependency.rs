//! The dependencies of the service, and the causes of their failures. The words of both are stable: they are
//! in `/status.json`, in labels of metrics and in alert rules.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that events need to flow. Ordered from the end of the pipeline to its beginning, because a
/// failure near the end blocks every stage before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependency {
    /// Redis.
    Redis,
    /// The lease in Redis, where it has no TTL.
    Lease,
    /// The disk or the replicas that `bus.durability` waits for.
    Durability,
    /// The slowest consumer group.
    Consumers,
    /// VK's Long Poll, and the API method that returns its servers.
    LongPoll,
    /// VK's API: look-ups of users.
    Users,
    /// VK's API: look-ups of communities.
    Communities,
    /// VK's API: look-ups of chats.
    Chats,
    /// VK's API: the rest of messages that VK cropped.
    Messages,
    /// The service itself.
    Service,
    /// A word that a newer version wrote.
    #[serde(other)]
    Unknown,
}

impl Dependency {
    /// All dependencies of this version.
    pub const ALL: [Self; 10] = [
        Self::Redis,
        Self::Lease,
        Self::Durability,
        Self::Consumers,
        Self::LongPoll,
        Self::Users,
        Self::Communities,
        Self::Chats,
        Self::Messages,
        Self::Service,
    ];

    /// The stable word, as serde writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Lease => "lease",
            Self::Durability => "durability",
            Self::Consumers => "consumers",
            Self::LongPoll => "long_poll",
            Self::Users => "users",
            Self::Communities => "communities",
            Self::Chats => "chats",
            Self::Messages => "messages",
            Self::Service => "service",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Lease => "Redis lease",
            Self::Durability => "Redis durability",
            Self::Consumers => "Consumers",
            Self::LongPoll => "VK Long Poll",
            Self::Users => "VK API (users)",
            Self::Communities => "VK API (communities)",
            Self::Chats => "VK API (chats)",
            Self::Messages => "VK API (messages)",
            Self::Service => "event-fetcher",
            Self::Unknown => "a dependency of a newer version",
        })
    }
}

/// The cause of a failure. Causes are distinguished where the remediation differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No connection or no answer: the network may be at fault too.
    Unreachable,
    /// It answered with an error.
    Error,
    /// Redis has fewer replicas than its configuration or `bus.durability` requires.
    Replicas,
    /// Redis cannot write to its disk, or has not yet written a commit as `bus.durability` requires.
    Disk,
    /// A stream is full of entries that a consumer group has not read or acknowledged.
    Backlog,
    /// No progress, although no other dependency fails.
    Stalled,
    /// A word that a newer version wrote.
    #[serde(other)]
    Unknown,
}

impl Cause {
    /// The stable word, as serde writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Error => "error",
            Self::Replicas => "replicas",
            Self::Disk => "disk",
            Self::Backlog => "backlog",
            Self::Stalled => "stalled",
            Self::Unknown => "unknown",
        }
    }

    /// The cause of a call without a usable answer.
    #[must_use]
    pub const fn of_no_answer(reached: bool) -> Self {
        if reached { Self::Error } else { Self::Unreachable }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn serde_writes_and_reads_the_stable_words() {
        for dependency in Dependency::ALL {
            assert_eq!(json!(dependency), dependency.as_str());
            let read: Dependency = serde_json::from_value(json!(dependency.as_str())).unwrap();
            assert_eq!(read, dependency);
        }
        for cause in [
            Cause::Unreachable,
            Cause::Error,
            Cause::Replicas,
            Cause::Disk,
            Cause::Backlog,
            Cause::Stalled,
        ] {
            assert_eq!(json!(cause), cause.as_str());
        }
    }

    #[test]
    fn a_word_of_a_newer_version_is_read_as_unknown() {
        let dependency: Dependency = serde_json::from_value(json!("a_new_one")).unwrap();
        let cause: Cause = serde_json::from_value(json!("a_new_one")).unwrap();
        assert_eq!((dependency, cause), (Dependency::Unknown, Cause::Unknown));
    }
}
