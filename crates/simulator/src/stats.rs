//! Statistics of a simulated VK.

use std::collections::BTreeMap;

use serde::Serialize;

/// Statistics since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// API calls by method, whatever the answer.
    pub calls: BTreeMap<String, u64>,
    /// Calls within `execute`, by method.
    pub calls_in_execute: BTreeMap<String, u64>,
    /// API errors returned, by code.
    pub api_errors: BTreeMap<i64, u64>,
    /// Polls answered without an injected fault, by outcome: `updates`, `empty`, `failed-1`,
    /// `failed-2`, `failed-3`.
    pub polls: BTreeMap<String, u64>,
    /// Polls held right now.
    pub polls_held: u64,
    /// Updates in replies, including duplicates and those in answers that a fault damaged.
    pub updates_served: u64,
    /// The highest `ts` that a reply led to.
    pub highest_ts_served: u64,
    /// The peak number of API calls accepted within any second, including calls with a fault.
    pub peak_calls_per_second: usize,
    /// Faults applied, by name.
    pub faults: BTreeMap<String, u64>,
}

impl Stats {
    /// How often a method was called, by itself or within `execute`.
    #[must_use]
    pub fn asked(&self, method: &str) -> u64 {
        let count = |counts: &BTreeMap<_, _>| counts.get(method).copied().unwrap_or_default();
        count(&self.calls) + count(&self.calls_in_execute)
    }

    pub(crate) fn count_call(&mut self, method: &str) {
        count(&mut self.calls, method);
    }

    pub(crate) fn count_call_in_execute(&mut self, method: &str) {
        count(&mut self.calls_in_execute, method);
    }

    pub(crate) fn count_poll(&mut self, outcome: &str) {
        count(&mut self.polls, outcome);
    }

    /// Counts a poll's reply with `count` updates that leads to `ts`.
    pub(crate) fn count_served(&mut self, count: usize, ts: u64) {
        self.count_poll("updates");
        self.updates_served += count as u64;
        self.highest_ts_served = self.highest_ts_served.max(ts);
    }

    pub(crate) fn count_fault(&mut self, name: &str) {
        count(&mut self.faults, name);
    }

    pub(crate) fn count_error(&mut self, code: i64) {
        *self.api_errors.entry(code).or_default() += 1;
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
