//! Retrying: exponential back-off with jitter and a cap, and which of many failures are logged: the 1st, 2nd,
//! 4th, 8th, ..., and the end of the outage.

use std::{fmt, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// The pauses of one thing that keeps failing; [`reset`](Backoff::reset) when it works again.
#[derive(Debug)]
pub struct Backoff {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    outage: Outage,
}

impl Backoff {
    /// Pauses that start at `first`, double each time and stay at `cap`, each with jitter.
    #[must_use]
    pub fn new(first: Duration, cap: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(cap)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times();
        Self { builder, pauses: builder.build(), outage: Outage::default() }
    }

    /// For a network peer that should be back soon: half a second, growing to ten seconds. More
    /// would be waited out after the peer is back, while a pressed button expects its answer.
    #[must_use]
    pub fn network() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(10))
    }

    /// Counts a failure and gives the pause before the next try.
    pub fn fail(&mut self) -> Duration {
        self.outage.fail();
        self.pauses.next().unwrap_or_default()
    }

    /// The failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.outage.failures()
    }

    /// Whether the latest failure is worth a line in the log: the 1st, 2nd, 4th, 8th, ...
    #[must_use]
    pub fn is_loud(&self) -> bool {
        self.outage.is_loud()
    }

    /// A success; tells of the failures that it ended, if there were any.
    pub fn reset(&mut self) -> Option<Recovery> {
        let over = self.outage.end();
        if over.is_some() {
            self.pauses = self.builder.build();
        }
        over
    }
}

/// The failures since the last success.
#[derive(Debug, Default)]
pub struct Outage {
    failures: u32,
    since: Option<Instant>,
}

/// An outage that is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How many failures there were.
    pub failures: u32,
    /// How long it was from the first of them to the success.
    pub lasted: Duration,
}

impl Outage {
    /// Counts a failure.
    pub fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert_with(Instant::now);
    }

    /// The failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether the latest failure is worth a line in the log.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        self.failures.is_power_of_two()
    }

    /// A success; tells of the outage that it ended, if there was one.
    pub fn end(&mut self) -> Option<Recovery> {
        let Self { failures, since } = std::mem::take(self);
        Some(Recovery { failures, lasted: since?.elapsed() })
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failures, lasted } = self;
        let lasted = humantime::format_duration(Duration::from_millis(
            u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
        ));
        write!(f, "after {failures} failures in {lasted}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_cap_and_start_again_after_a_success() {
        let cap = Duration::from_secs(10);
        let mut backoff = Backoff::network();
        let first = backoff.fail();
        for _ in 0..40 {
            assert!(backoff.fail() <= cap * 2);
        }
        assert!(backoff.fail() >= cap);
        assert_eq!(backoff.reset().map(|over| over.failures), Some(42));
        assert!(backoff.fail() < cap);
        assert!(first >= Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_hundred_failures_seven_are_told_and_the_end() {
        let mut outage = Outage::default();
        assert_eq!(outage.end(), None, "nothing had failed");
        let mut told = 0;
        for _ in 0..100 {
            outage.fail();
            told += u32::from(outage.is_loud());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, 7);
        let over = outage.end().unwrap();
        assert_eq!(over.to_string(), "after 100 failures in 1m 40s");
        assert_eq!(outage.end(), None, "it is told once");
    }
}
