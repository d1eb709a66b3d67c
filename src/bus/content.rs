//! What one commit puts on the bus.

use std::collections::BTreeMap;

use crate::event::{Event, EventType};

/// About what an entry or a dead letter takes beside its text, in bytes.
const OVERHEAD: usize = 128;

/// All that became of a batch of updates, or of several in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The events, in VK's order.
    pub entries: Vec<Entry>,
    /// The updates that could not become events.
    pub dead_letters: Vec<DeadLetter>,
    /// How many updates of each type were not routed.
    pub skipped: BTreeMap<String, u64>,
    /// How often VK lost updates before these or among them.
    pub gaps: u64,
    /// How many it lost, by its positions.
    pub missed: u64,
}

impl Content {
    /// How many updates became events or dead letters.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.len() + self.dead_letters.len()
    }

    /// About how many bytes of memory it takes.
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

    /// Adds what became of the updates that come after these.
    pub fn append(&mut self, next: Self) {
        let Self { entries, dead_letters, skipped, gaps, missed } = next;
        self.entries.extend(entries);
        self.dead_letters.extend(dead_letters);
        for (kind, number) in skipped {
            *self.skipped.entry(kind).or_default() += number;
        }
        self.gaps = self.gaps.saturating_add(gaps);
        self.missed = self.missed.saturating_add(missed);
    }
}

/// An event, written as JSON once for the stream and, unless `published` is there, the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Decides the stream and the channel.
    pub kind: EventType,
    /// The event's id.
    pub event_id: String,
    /// Whether a second event with this id is a repeat.
    pub unique: bool,
    /// The event as JSON, exactly its `as_dict`.
    pub data: String,
    /// What the channel carries instead.
    pub published: Option<Vec<u8>>,
}

impl Entry {
    /// The entry of an event.
    #[must_use]
    pub fn new(event: &Event, unique: bool) -> Self {
        #[expect(clippy::expect_used, reason = "an event holds nothing that JSON cannot")]
        let mut data = serde_json::to_string(event).expect("strings and numbers become JSON");
        // It was written into a buffer that doubles, and waits for its commit.
        data.shrink_to_fit();
        let event_id = event.event_id.clone();
        Self { kind: event.event_type(), event_id, unique, data, published: None }
    }
}

/// An update that could not become an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why, in words.
    pub reason: String,
    /// Why, in one stable word to count by.
    pub code: &'static str,
    /// VK's id of the update, if it has one: a second letter with this id is a repeat.
    pub event_id: Option<String>,
    /// The update as VK sent it.
    pub raw: Box<str>,
}
