//! What this process has put on the bus.

use std::{collections::BTreeMap, fmt};

use crate::{bus::Content, ts::Ts};

/// Sums over all commits.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// The position last committed.
    pub(super) committed: Option<Ts>,
    events: BTreeMap<&'static str, u64>,
    dead_letters: u64,
    skipped: BTreeMap<String, u64>,
    repeats: u64,
    gaps: u64,
}

impl Totals {
    /// Adds a commit that moved the position to `ts`.
    pub(super) fn add(&mut self, content: &Content, repeats: u64, ts: Ts) {
        self.committed = Some(ts);
        for entry in &content.entries {
            *self.events.entry(entry.kind.as_str()).or_default() += 1;
            tracing::debug!(event_id = entry.event_id, event_type = %entry.kind, %ts, "event committed");
        }
        for letter in &content.dead_letters {
            self.dead_letters += 1;
            if self.dead_letters.is_power_of_two() {
                let so_far = self.dead_letters;
                tracing::warn!(reason = letter.reason, %ts, so_far, "an update is kept as a dead letter");
            }
        }
        for (kind, number) in &content.skipped {
            *self.skipped.entry(kind.clone()).or_default() += number;
        }
        self.repeats += repeats;
        self.gaps += u64::from(content.missed.is_some());
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, dead_letters, skipped, repeats, gaps, .. } = self;
        write!(
            f,
            "events {events:?}, dead letters {dead_letters}, not routed {skipped:?}, \
             repeats dropped {repeats}, gaps {gaps}"
        )
    }
}
