//! The commits of the last hour by minute, for the page and `status`.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::{GapNote, Minute, ReasonCount};
use crate::event::EventType;

const MINUTE: Duration = Duration::from_secs(60);
/// How many complete minutes are kept.
const MINUTES: usize = 60;
/// How many of the newest gaps are kept.
const GAPS: usize = 5;
/// The limit of distinct reasons of dead letters that are counted in a minute.
const REASONS: usize = 8;
/// Stands for the reasons beyond.
const OTHER_REASONS: &str = "other reasons";
/// The longest latency that is measured.
const LONGEST: Duration = Duration::from_secs(1000);

/// The batches of one commit.
#[derive(Debug, Clone, Copy)]
pub struct Committed<'a> {
    /// The number of events of each type, in the order of [`EventType::ALL`].
    pub events: [u64; EventType::ALL.len()],
    /// Why updates could not become events, a reason for each of them.
    pub dead_letters: &'a [&'a str],
    /// When VK sent each batch.
    pub received: &'a [Instant],
    /// How often VK lost updates before or between the batches.
    pub gaps: u64,
    /// How many updates it lost, estimated by its positions.
    pub updates_lost: u64,
}

/// The history of the last hour; empty at the start of the service.
#[derive(Debug)]
pub struct History(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// The complete minutes, the oldest first.
    minutes: VecDeque<Minute>,
    current: Current,
    /// The newest gaps, the newest first.
    gaps: VecDeque<(Instant, u64)>,
}

/// The current minute.
#[derive(Debug)]
struct Current {
    since: Instant,
    events: [u64; EventType::ALL.len()],
    dead_letters: Vec<ReasonCount>,
    /// The time from VK's answer to its commit, in microseconds.
    latency: Histogram<u32>,
}

impl Default for History {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            minutes: VecDeque::with_capacity(MINUTES + 1),
            current: Current::since(Instant::now()),
            gaps: VecDeque::with_capacity(GAPS + 1),
        }))
    }
}

impl History {
    /// Records a commit.
    pub fn committed(&self, batches: &Committed<'_>) {
        let Committed { events, dead_letters, received, gaps, updates_lost } = *batches;
        let mut state = self.state();
        let now = Instant::now();
        for (sum, number) in state.current.events.iter_mut().zip(events) {
            *sum += number;
        }
        for reason in dead_letters {
            state.current.dead_letter(reason);
        }
        for &at in received {
            state.current.latency.saturating_record(micros(now - at));
        }
        if gaps > 0 {
            state.gaps.push_front((now, updates_lost));
            state.gaps.truncate(GAPS);
        }
    }

    /// The minutes, the oldest first, the current one last.
    pub(super) fn minutes(&self) -> Vec<Minute> {
        let state = self.state();
        let seconds = state.current.since.elapsed().as_secs();
        state.minutes.iter().cloned().chain([state.current.summary(seconds)]).collect()
    }

    /// The newest gaps, the newest first.
    pub(super) fn gaps(&self) -> Vec<GapNote> {
        let note = |&(at, updates_lost): &(Instant, u64)| GapNote {
            age_s: at.elapsed().as_secs(),
            updates_lost,
        };
        self.state().gaps.iter().map(note).collect()
    }

    /// Locks the state, after completing the minutes that have passed.
    fn state(&self) -> MutexGuard<'_, Inner> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.roll();
        state
    }
}

impl Inner {
    fn roll(&mut self) {
        for _ in 0..=MINUTES {
            if self.current.since.elapsed() < MINUTE {
                return;
            }
            let next = self.current.since + MINUTE;
            self.minutes.push_back(self.current.summary(MINUTE.as_secs()));
            if self.minutes.len() > MINUTES {
                self.minutes.pop_front();
            }
            self.current.restart(next);
        }
        // Nothing called this for more than an hour: all kept minutes are empty.
        self.current.restart(Instant::now());
    }
}

impl Current {
    fn since(since: Instant) -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants")]
        let latency = Histogram::new_with_max(micros(LONGEST), 2).expect("1 to 10^9, 2 digits");
        Self { since, events: Default::default(), dead_letters: Vec::new(), latency }
    }

    fn restart(&mut self, since: Instant) {
        self.since = since;
        self.events = Default::default();
        self.dead_letters.clear();
        self.latency.reset();
    }

    /// Counts a dead letter by its reason; beyond [`REASONS`] of them, without it.
    fn dead_letter(&mut self, reason: &str) {
        let kept = &mut self.dead_letters;
        let is_known = kept.iter().any(|it| it.reason == reason);
        let reason = if is_known || kept.len() < REASONS { reason } else { OTHER_REASONS };
        match kept.iter_mut().find(|it| it.reason == reason) {
            Some(it) => it.count += 1,
            None => kept.push(ReasonCount { reason: reason.to_owned(), count: 1 }),
        }
    }

    fn summary(&self, seconds: u64) -> Minute {
        let names = EventType::ALL.map(|kind| kind.as_str().to_owned());
        Minute {
            seconds,
            events: names.into_iter().zip(self.events).collect(),
            dead_letters: self.dead_letters.clone(),
            p50_ms: self.quantile(0.5),
            p99_ms: self.quantile(0.99),
        }
    }

    /// A quantile (0 to 1) of the latency, in milliseconds with two digits; none if there was no batch, or if
    /// the latency is longer than [`LONGEST`].
    fn quantile(&self, quantile: f64) -> Option<f64> {
        let latency = Duration::from_micros(self.latency.value_at_quantile(quantile));
        let millis = latency.as_secs_f64() * 1000.0;
        let two_digits = || format!("{millis:.1e}").parse().ok();
        (!self.latency.is_empty() && latency <= LONGEST).then(two_digits).flatten()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Events per minute, measured over the last complete minute and the current one.
pub(super) fn rate(minutes: &[Minute]) -> u64 {
    let recent = &minutes[minutes.len().saturating_sub(2)..];
    let events: u64 = recent.iter().flat_map(|minute| minute.events.values()).sum();
    let seconds: u64 = recent.iter().map(|minute| minute.seconds).sum();
    (events * 60).checked_div(seconds).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
