//! Statistics of a simulated VK.

use std::collections::BTreeMap;

use serde::Serialize;

/// Statistics since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// API calls by method, whatever the answer.
    pub calls: BTreeMap<String, u64>,
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
    pub(crate) fn count_call(&mut self, method: &str) {
        count(&mut self.calls, method);
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
