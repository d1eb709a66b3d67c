//! The last hour on the bus, minute by minute.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{GapNote, Minute};
use crate::{
    event::EventType,
    metrics::{Commits, Snapshot},
};

const MINUTE: Duration = Duration::from_secs(60);
/// How many minutes are kept, beside the one that is going on.
const MINUTES: usize = 60;
/// Of how many gaps there is a note.
const GAPS: usize = 5;

/// What was counted up to a moment.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    at: Instant,
    events: [u64; 4],
    latency: Snapshot,
    missed: u64,
    gaps: u64,
}

impl Counts {
    pub(super) fn of(commits: &Commits) -> Self {
        Self {
            at: Instant::now(),
            events: EventType::ALL.map(|kind| commits.events.of(kind).get()),
            latency: commits.latency.snapshot(),
            missed: commits.missed.get(),
            gaps: commits.gaps.get(),
        }
    }

    /// What was counted since.
    fn minute_since(&self, earlier: &Self) -> Minute {
        let latency = self.latency.since(&earlier.latency);
        let millis = |share| latency.quantile(share).map(|it| it.as_secs_f64() * 1000.0);
        let numbers = self.events.iter().zip(earlier.events).map(|(now, then)| now - then);
        let names = EventType::ALL.map(|kind| kind.as_str().to_owned());
        Minute {
            seconds: (self.at - earlier.at).as_secs(),
            events: names.into_iter().zip(numbers).collect(),
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
        }
    }
}

/// The last hour. It starts empty with the service.
#[derive(Debug)]
pub(super) struct History {
    minutes: VecDeque<Minute>,
    /// At the beginning of the minute that is going on.
    begun: Counts,
    gaps: VecDeque<(Instant, u64)>,
    /// At the last look.
    seen: Counts,
}

impl History {
    pub(super) fn beginning_at(counts: Counts) -> Self {
        let (minutes, gaps) = (VecDeque::with_capacity(MINUTES + 1), VecDeque::new());
        Self { minutes, begun: counts.clone(), gaps, seen: counts }
    }

    /// Takes in what was counted up to now. To be called more often than once a minute.
    pub(super) fn look(&mut self, now: Counts) {
        if now.gaps > self.seen.gaps {
            self.gaps.push_front((now.at, now.missed - self.seen.missed));
            self.gaps.truncate(GAPS);
        }
        if now.at - self.begun.at >= MINUTE {
            self.minutes.push_back(now.minute_since(&self.begun));
            if self.minutes.len() > MINUTES {
                self.minutes.pop_front();
            }
            self.begun = now.clone();
        }
        self.seen = now;
    }

    /// The minutes, the oldest first, the last of them as far as it was `now`.
    pub(super) fn minutes(&self, now: &Counts) -> Vec<Minute> {
        self.minutes.iter().cloned().chain([now.minute_since(&self.begun)]).collect()
    }

    /// The gaps noticed, the newest first.
    pub(super) fn gaps(&self) -> Vec<GapNote> {
        let note =
            |&(at, missed): &(Instant, u64)| GapNote { age_s: at.elapsed().as_secs(), missed };
        self.gaps.iter().map(note).collect()
    }
}

/// Events a minute, by the last minute and what goes on of the next.
pub(super) fn rate(minutes: &[Minute]) -> u64 {
    let recent = &minutes[minutes.len().saturating_sub(2)..];
    let events: u64 = recent.iter().flat_map(|minute| minute.events.values()).sum();
    let seconds: u64 = recent.iter().map(|minute| minute.seconds).sum();
    (events * 60).checked_div(seconds).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
