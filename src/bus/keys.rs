//! The names of keys and channels, and the ids of stream entries.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, UNIX_EPOCH},
};

use thiserror::Error;

use super::{Config, EventNames};
use crate::event::EventType;

/// The keys and channels of one community in one namespace. The hash tag puts all keys into one slot of a
/// Redis Cluster, so that one script can write them.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The committed position (hash): `generation`, `ts`; the lease term: `holder`, `epoch`; counters: `gaps`,
    /// `updates_lost`, `duplicates`; and, in milliseconds by Redis' clock, `committed_at` and `leased_at`.
    pub position: String,
    /// The lease (string with a TTL): the name of the instance that holds it.
    pub lease: String,
    /// The dedup window (sorted set): recent event ids, by the generation that committed them.
    pub seen: String,
    /// The number of updates not routed, by type (hash).
    pub skipped: String,
    /// The dead letters of the namespace (stream).
    pub dead_letters: String,
    /// The number of entries ever appended, by event type (hash).
    pub added: String,
    /// The trim marks of each stream (sorted sets): ids of some entries, by the entry's number.
    pub marks: [String; 4],
    /// The stream of each event type, in [`EventType::ALL`]'s order.
    pub streams: [String; 4],
    /// The channel of each event type, in the same order. Channels have no namespace.
    pub channels: [String; 4],
}

impl Keys {
    /// The keys of a community.
    #[must_use]
    pub fn new(bus: &Config, group_id: i64) -> Self {
        let key = |name: &str| format!("{{{}}}:{name}", bus.namespace);
        Self {
            position: key(&format!("position:{group_id}")),
            lease: key(&format!("lease:{group_id}")),
            seen: key(&format!("seen:{group_id}")),
            skipped: key(&format!("skipped:{group_id}")),
            dead_letters: key("dead-letter"),
            added: key("added"),
            marks: EventType::ALL.map(|kind| key(&format!("marks:{kind}"))),
            streams: EventType::ALL.map(|kind| key(name(&bus.streams, kind))),
            channels: EventType::ALL.map(|kind| name(&bus.channels, kind).to_owned()),
        }
    }
}

fn name(names: &EventNames, kind: EventType) -> &str {
    match kind {
        EventType::Message => &names.message,
        EventType::Command => &names.command,
        EventType::Button => &names.button,
        EventType::Reaction => &names.reaction,
    }
}

/// The end of the year 9999, in milliseconds since 1970: the last time that RFC 3339 can express. Entries
/// added by hand may have greater ids.
const LAST_DATE: u64 = 253_402_300_799_999;

/// The id of a stream entry. Ids are ordered by time, across streams too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EntryId {
    /// When the entry was added, in milliseconds since 1970 by Redis' clock.
    millis: u64,
    /// The sequence number within the millisecond.
    sequence: u64,
}

impl EntryId {
    /// Formats the time of day in UTC: `HH:MM:SS`.
    #[must_use]
    pub fn time(self) -> String {
        let time = self.date_and_time();
        time["YYYY-MM-DDT".len()..time.len() - "Z".len()].to_owned()
    }

    /// Formats the time in UTC as RFC 3339: `YYYY-MM-DDTHH:MM:SSZ`.
    #[must_use]
    pub fn date_and_time(self) -> String {
        let since_1970 = Duration::from_millis(self.millis.min(LAST_DATE));
        humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

/// The text is not the id of a stream entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an entry's id is two numbers, such as 1709107598123-0")]
pub struct InvalidEntryId;

impl FromStr for EntryId {
    type Err = InvalidEntryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (millis, sequence) = text.split_once('-').ok_or(InvalidEntryId)?;
        match (millis.parse(), sequence.parse()) {
            (Ok(millis), Ok(sequence)) => Ok(Self { millis, sequence }),
            _ => Err(InvalidEntryId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_time_and_an_order() {
        let id: EntryId = "1709107598123-7".parse().unwrap();
        assert_eq!(id.to_string(), "1709107598123-7");
        assert_eq!(id.time(), "08:06:38");
        assert_eq!(id.date_and_time(), "2024-02-28T08:06:38Z");
        assert!(id < "1709107598123-10".parse().unwrap());
        assert!(id > EntryId::default());
        assert_eq!("1709107598123".parse::<EntryId>(), Err(InvalidEntryId));
    }

    #[test]
    fn an_id_after_the_year_9999_has_the_last_date() {
        let id: EntryId = "18446744073709551615-0".parse().unwrap();
        assert_eq!(id.date_and_time(), "9999-12-31T23:59:59Z");
    }
}
