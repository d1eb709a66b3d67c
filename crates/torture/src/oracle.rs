//! Checks that all updates of VK's queue are on the bus, exactly once and in order.

use std::collections::{BTreeMap, HashMap};

use harness::{Bus, DEAD_LETTERS, STREAMS};
use vk_simulator::Simulator;

use crate::{
    gaps::Gaps,
    update::{Update, Way, id_or_digest},
};

/// The most examples of each kind of violation in a verdict.
const MAX_EXAMPLES: usize = 5;

/// The result: counts of updates and of violations.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Updates that VK queued.
    pub(crate) served: u64,
    /// Events in the streams.
    pub(crate) events: u64,
    /// Dead letters.
    pub(crate) dead_letters: u64,
    /// Updates of other types, as counted on the bus.
    pub(crate) skipped: u64,
    /// Duplicates from VK that were dropped, as counted on the bus.
    pub(crate) duplicates_dropped: u64,
    /// Duplicates from VK of updates without an id, which cannot be recognized.
    pub(crate) duplicates_without_id: u64,
    /// Gaps, as counted on the bus.
    pub(crate) gaps: u64,
    /// Updates missing in those gaps.
    pub(crate) in_gaps: u64,
    /// Updates missing elsewhere.
    pub(crate) lost: u64,
    /// Duplicate entries.
    pub(crate) duplicated: u64,
    /// Events that follow a later one.
    pub(crate) out_of_order: u64,
    /// Entries that VK never sent.
    pub(crate) foreign: u64,
    /// A few examples of each kind of violation.
    pub(crate) examples: Vec<String>,
}

/// The updates that VK sent with one id, or with one text, and the entries found for them.
struct Sent {
    update: Update,
    /// The positions at which VK sent it; several only for updates that are equal byte by byte.
    at: Vec<u64>,
    found: Vec<Found>,
}

struct Found {
    stream: &'static str,
    entry: String,
    ts: String,
}

/// Compares the bus with the whole queue. `gaps` are those that the service reported.
pub(crate) async fn judge(vk: &Simulator, bus: &Bus, gaps: &Gaps) -> anyhow::Result<Verdict> {
    let mut judge = Judge::default();
    for (ts, text) in vk.updates() {
        judge.expect(ts, &text);
    }
    for stream in STREAMS.into_iter().chain([DEAD_LETTERS]) {
        judge.newest = 0;
        bus.each_entry(stream, |entry, fields| {
            let field = |name| fields.get(name).cloned().unwrap_or_default();
            let key = match stream {
                DEAD_LETTERS => id_or_digest(&field("raw")),
                _ => field("event_id"),
            };
            judge.find(&key, Found { stream, entry, ts: field("ts") });
        })
        .await?;
    }
    let counted = bus.skipped().await?;
    judge.verdict.skipped = counted.values().sum();
    let duplicates_sent = vk.stats().faults.get("duplicate").copied().unwrap_or_default();
    let number = async |field| anyhow::Ok(bus.position(field).await?.unwrap_or_default());
    let updates_lost = number("updates_lost").await?;
    judge.verdict.gaps = number("gaps").await?;
    judge.verdict.duplicates_dropped = number("duplicates").await?;
    judge.compare(&counted, gaps);
    judge.check_sums(updates_lost, duplicates_sent);
    Ok(judge.verdict)
}

#[derive(Default)]
struct Judge {
    sent: HashMap<String, Sent>,
    /// The positions of updates that are not routed, by type.
    skipped: BTreeMap<String, Vec<u64>>,
    /// The newest position seen in the stream being read.
    newest: u64,
    verdict: Verdict,
}

impl Judge {
    fn expect(&mut self, ts: u64, text: &str) {
        self.verdict.served += 1;
        let update = Update::read(text);
        if let Way::Counted(kind) = update.way {
            self.skipped.entry(kind).or_default().push(ts);
            return;
        }
        let key = id_or_digest(text);
        let new = || Sent { update, at: Vec::new(), found: Vec::new() };
        self.sent.entry(key).or_insert_with(new).at.push(ts);
    }

    fn find(&mut self, key: &str, found: Found) {
        match found.stream {
            DEAD_LETTERS => self.verdict.dead_letters += 1,
            _ => self.verdict.events += 1,
        }
        let Some(sent) = self.sent.get_mut(key) else {
            self.verdict.foreign += 1;
            self.verdict.add_example(self.verdict.foreign, || format!("foreign: {key}, {found}"));
            return;
        };
        if let [ts] = sent.at[..]
            && sent.found.is_empty()
        {
            if ts < self.newest {
                let newest = self.newest;
                self.verdict.out_of_order += 1;
                self.verdict.add_example(self.verdict.out_of_order, || {
                    format!("out of order: {key}, ts {ts}, after ts {newest}, {found}")
                });
            }
            self.newest = self.newest.max(ts);
        }
        sent.found.push(found);
    }

    /// Counts missing and duplicate entries.
    fn compare(&mut self, counted: &BTreeMap<String, u64>, gaps: &Gaps) {
        let verdict = &mut self.verdict;
        for (key, sent) in &self.sent {
            let missing = sent.at.len().saturating_sub(sent.found.len()) as u64;
            let excess = sent.found.len().saturating_sub(sent.at.len()) as u64;
            let at = &sent.at;
            if missing > 0 && at.iter().any(|&ts| gaps.cover(ts)) {
                verdict.in_gaps += missing;
            } else if missing > 0 {
                verdict.lost += missing;
                verdict.add_example(verdict.lost, || format!("lost: {key}, ts {at:?}"));
            }
            if excess > 0 && !sent.update.has_id {
                verdict.duplicates_without_id += excess;
            } else if excess > 0 {
                verdict.duplicated += excess;
                let places: Vec<_> = sent.found.iter().map(ToString::to_string).collect();
                let places = places.join("; ");
                verdict.add_example(verdict.duplicated, || {
                    format!("duplicated: {key}, ts {at:?}: {places}")
                });
            }
        }
        for (kind, at) in &self.skipped {
            let count = counted.get(kind).copied().unwrap_or_default();
            let missing = (at.len() as u64).saturating_sub(count);
            let in_gaps = missing.min(at.iter().filter(|&&ts| gaps.cover(ts)).count() as u64);
            verdict.in_gaps += in_gaps;
            verdict.lost += missing - in_gaps;
            if missing > in_gaps {
                verdict.examples.push(format!("lost: {} of type {kind}", missing - in_gaps));
            }
            verdict.duplicates_without_id += count.saturating_sub(at.len() as u64);
        }
    }

    /// Checks the sums: at most `updates_lost` updates are missing in gaps, and at most `duplicates_sent`
    /// duplicates have no id.
    fn check_sums(&mut self, updates_lost: u64, duplicates_sent: u64) {
        let verdict = &mut self.verdict;
        if let Some(unreported @ 1..) = verdict.in_gaps.checked_sub(updates_lost) {
            verdict.lost += unreported;
            verdict.examples.push(format!("lost: {unreported} more than in the gaps of the bus"));
        }
        if let Some(unsent @ 1..) = verdict.duplicates_without_id.checked_sub(duplicates_sent) {
            verdict.duplicated += unsent;
            verdict.examples.push(format!("duplicated: {unsent} more than VK sent twice"));
        }
    }
}

impl Verdict {
    /// Whether every update is on the bus, exactly once and in order.
    pub(crate) fn holds(&self) -> bool {
        self.lost + self.duplicated + self.out_of_order + self.foreign == 0
    }

    fn add_example(&mut self, so_far: u64, example: impl FnOnce() -> String) {
        if so_far <= MAX_EXAMPLES as u64 {
            self.examples.push(example());
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stream, entry, ts } = self;
        write!(f, "{stream} {entry} of the commit to ts {ts}")
    }
}
