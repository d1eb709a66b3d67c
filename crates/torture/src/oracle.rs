//! Whether what VK queued is on the bus, each update exactly once and in order.

use std::collections::{BTreeMap, HashMap};

use harness::{Bus, DEAD_LETTERS, STREAMS};
use vk_simulator::Simulator;

use crate::{
    gaps::Gaps,
    update::{Update, Way, id_or_digest},
};

/// How many stories a verdict tells of each kind.
const STORIES: usize = 5;

/// What became of the updates.
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
    /// Repeats by VK that the bus dropped.
    pub(crate) repeats_dropped: u64,
    /// Repeats by VK of updates that nothing tells from new ones: at most as many as VK sent.
    pub(crate) nameless_repeats: u64,
    /// Gaps that VK reported and the bus counts.
    pub(crate) gaps: u64,
    /// Updates missing in those gaps.
    pub(crate) in_gaps: u64,
    /// Updates missing elsewhere.
    pub(crate) lost: u64,
    /// Entries too many.
    pub(crate) doubled: u64,
    /// Events that stand after a later one.
    pub(crate) disordered: u64,
    /// Entries that VK never sent.
    pub(crate) foreign: u64,
    /// The first few of what is wrong.
    pub(crate) stories: Vec<String>,
}

/// What VK sent under one id, or with one text, and where it was found.
struct Sent {
    update: Update,
    /// The positions at which VK sent it: several only for updates that are the same to the letter.
    at: Vec<u64>,
    found: Vec<Found>,
}

struct Found {
    stream: &'static str,
    entry: String,
    ts: String,
}

/// Judges the bus against the whole queue. `gaps` are those that the service told of.
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
    let repeats = vk.stats().faults.get("duplicate").copied().unwrap_or_default();
    let number = async |field| anyhow::Ok(bus.position(field).await?.unwrap_or_default());
    let missed = number("missed").await?;
    judge.verdict.gaps = number("gaps").await?;
    judge.verdict.repeats_dropped = number("repeats").await?;
    judge.compare(&counted, gaps);
    judge.weigh(missed, repeats);
    Ok(judge.verdict)
}

#[derive(Default)]
struct Judge {
    sent: HashMap<String, Sent>,
    /// The positions of updates that are only counted, by type.
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
            self.verdict.tell(self.verdict.foreign, || format!("foreign: {key}, {found}"));
            return;
        };
        if let [ts] = sent.at[..]
            && sent.found.is_empty()
        {
            if ts < self.newest {
                let newest = self.newest;
                self.verdict.disordered += 1;
                self.verdict.tell(self.verdict.disordered, || {
                    format!("out of order: {key}, ts {ts}, after ts {newest}, {found}")
                });
            }
            self.newest = self.newest.max(ts);
        }
        sent.found.push(found);
    }

    /// Counts what is missing and what is too much.
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
                verdict.tell(verdict.lost, || format!("lost: {key}, ts {at:?}"));
            }
            if excess > 0 && !sent.update.has_id {
                verdict.nameless_repeats += excess;
            } else if excess > 0 {
                verdict.doubled += excess;
                let places: Vec<_> = sent.found.iter().map(ToString::to_string).collect();
                let places = places.join("; ");
                verdict.tell(verdict.doubled, || format!("doubled: {key}, ts {at:?}: {places}"));
            }
        }
        for (kind, at) in &self.skipped {
            let count = counted.get(kind).copied().unwrap_or_default();
            let missing = (at.len() as u64).saturating_sub(count);
            let in_gaps = missing.min(at.iter().filter(|&&ts| gaps.cover(ts)).count() as u64);
            verdict.in_gaps += in_gaps;
            verdict.lost += missing - in_gaps;
            if missing > in_gaps {
                verdict.stories.push(format!("lost: {} of type {kind}", missing - in_gaps));
            }
            verdict.nameless_repeats += count.saturating_sub(at.len() as u64);
        }
    }

    /// Holds the sums against what VK did: `missed` updates in gaps, `repeats` sent at most.
    fn weigh(&mut self, missed: u64, repeats: u64) {
        let verdict = &mut self.verdict;
        if let Some(unreported @ 1..) = verdict.in_gaps.checked_sub(missed) {
            verdict.lost += unreported;
            verdict.stories.push(format!("lost: {unreported} more than in the gaps of the bus"));
        }
        if let Some(unsent @ 1..) = verdict.nameless_repeats.checked_sub(repeats) {
            verdict.doubled += unsent;
            verdict.stories.push(format!("doubled: {unsent} more than VK repeated"));
        }
    }
}

impl Verdict {
    /// Whether everything is there, once, and in order.
    pub(crate) fn holds(&self) -> bool {
        self.lost + self.doubled + self.disordered + self.foreign == 0
    }

    fn tell(&mut self, so_far: u64, story: impl FnOnce() -> String) {
        if so_far <= STORIES as u64 {
            self.stories.push(story());
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stream, entry, ts } = self;
        write!(f, "{stream} {entry} of the commit to ts {ts}")
    }
}
