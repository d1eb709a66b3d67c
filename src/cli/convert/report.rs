//! What did not become an event, told on standard error.

use std::{collections::BTreeMap, fmt::Display};

use crate::cli::{exit::note, text::harmless};

/// The lines that gave no event.
#[derive(Debug, Default)]
pub(super) struct Report {
    unconverted: u64,
    unrouted: BTreeMap<String, u64>,
}

impl Report {
    /// A line that cannot become an event; told at once.
    pub(super) fn unconverted(&mut self, number: u64, reason: impl Display) {
        self.unconverted += 1;
        note(format_args!("line {number}: {reason}"));
    }

    /// A line with an update of a type that does not become an event.
    pub(super) fn unrouted(&mut self, kind: String) {
        *self.unrouted.entry(kind).or_default() += 1;
    }

    /// Whether every line was an event or of a type that does not become one.
    pub(super) fn is_clean(&self) -> bool {
        self.unconverted == 0
    }

    /// Tells the sums, as far as there is something to tell.
    pub(super) fn summarise(&self) {
        if !self.unrouted.is_empty() {
            let kinds = self.unrouted.iter();
            let kinds: Vec<_> =
                kinds.map(|(kind, times)| format!("{} {times}", harmless(kind))).collect();
            note(format_args!("not routed, by type: {}", kinds.join(", ")));
        }
        if self.unconverted > 0 {
            note(format_args!("lines that could not be converted: {}", self.unconverted));
        }
    }
}
