//! Counts injected faults by kind.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The target of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Processes: the service's and Redis'.
    Process,
    /// Connections to Redis.
    Network,
    /// VK's answers.
    Vk,
}

/// Counts of faults by kind.
pub(crate) type Counts = BTreeMap<(Group, String), u64>;

/// Counts faults as they are injected.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

impl Tally {
    /// Counts a fault.
    pub(crate) fn add(&self, group: Group, kind: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((group, kind.to_owned())).or_default() += 1;
    }

    /// The final counts.
    pub(crate) fn into_counts(self) -> Counts {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
