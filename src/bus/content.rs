//! The content of a commit.

use std::collections::BTreeMap;

use crate::event::{Event, EventType};

/// The approximate size of an entry or a dead letter without its texts, in bytes.
const OVERHEAD: usize = 128;

/// The result of converting one batch of updates, or several in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The events, in VK's order.
    pub entries: Vec<StreamEntry>,
    /// The updates that could not be converted.
    pub dead_letters: Vec<DeadLetter>,
    /// The number of updates not routed, by type.
    pub skipped: BTreeMap<String, u64>,
    /// The number of gaps: VK lost updates before or among these.
    pub gaps: u64,
    /// The number of updates lost in the gaps, by VK's positions.
    pub updates_lost: u64,
}

impl Content {
    /// The number of events and dead letters.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.len() + self.dead_letters.len()
    }

    /// The approximate memory use, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let entries = self.entries.iter().map(|it| {
            let published = it.published.as_ref().map_or(0, Vec::len);
            OVERHEAD + it.event_id.len() + it.data.len() + published
        });
        let letters = self.dead_letters.iter().map(|it| {
            let event_id = it.event_id.as_ref().map_or(0, String::len);
            OVERHEAD + it.reason.len() + event_id + it.raw.len()
        });
        entries.chain(letters).sum()
    }

    /// Appends the content of the updates that follow these.
    pub fn append(&mut self, next: Self) {
        let Self { entries, dead_letters, skipped, gaps, updates_lost } = next;
        self.entries.extend(entries);
        self.dead_letters.extend(dead_letters);
        for (kind, number) in skipped {
            *self.skipped.entry(kind).or_default() += number;
        }
        self.gaps = self.gaps.saturating_add(gaps);
        self.updates_lost = self.updates_lost.saturating_add(updates_lost);
    }
}

/// An event, encoded for its stream and its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEntry {
    /// Decides the stream and the channel.
    pub kind: EventType,
    /// The event's id.
    pub event_id: String,
    /// Whether another event with this id is a duplicate.
    pub unique: bool,
    /// The event as JSON, exactly its `as_dict`.
    pub data: String,
    /// The channel's payload where it is not `data`.
    pub published: Option<Vec<u8>>,
}

impl StreamEntry {
    /// Encodes an event as JSON.
    #[must_use]
    pub fn new(event: &Event, unique: bool) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "an event contains nothing that JSON cannot express"
        )]
        let mut data = serde_json::to_string(event).expect("strings and numbers become JSON");
        // The buffer's capacity doubled as it grew, and the entry waits in memory for its commit.
        data.shrink_to_fit();
        let event_id = event.event_id.clone();
        Self { kind: event.event_type(), event_id, unique, data, published: None }
    }
}

/// An update that could not be converted to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The reason, for people.
    pub reason: String,
    /// The reason, as a metric's label.
    pub code: &'static str,
    /// VK's id of the update, if it has one. Another dead letter with this id is a duplicate.
    pub event_id: Option<String>,
    /// The update as VK sent it.
    pub raw: Box<str>,
}
