//! Retrying: exponential back-off with jitter and a cap. And the throttling of the log: of an outage, the
//! 1st, 2nd, 4th, 8th, ... failure and the end are logged.

use std::{fmt, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// The pauses between the attempts of one operation; [`reset`](Backoff::reset) after a success.
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

    /// For a network peer: from half a second to ten seconds. A longer pause would delay events after the
    /// peer has recovered, while the user who pressed a button waits.
    #[must_use]
    pub fn network() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(10))
    }

    /// Counts a failure and returns the pause before the next attempt.
    pub fn fail(&mut self) -> Duration {
        self.outage.fail();
        self.pauses.next().unwrap_or_default()
    }

    /// The failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.outage.failures
    }

    /// The failures since the last success, if the latest of them is to be logged.
    #[must_use]
    pub fn to_log(&self) -> Option<u32> {
        self.outage.to_log()
    }

    /// Records a success; returns the outage that it ended, if there was one.
    pub fn reset(&mut self) -> Option<Recovery> {
        let over = self.outage.end();
        if over.is_some() {
            self.pauses = self.builder.build();
        }
        over
    }
}

/// The failures since the last success. A call site logs only those for which [`fail`](Outage::fail)
/// returns a number, and the [`Recovery`].
#[derive(Debug, Default)]
pub struct Outage {
    failures: u32,
    since: Option<Instant>,
}

/// The end of an outage.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The number of failures.
    pub failures: u32,
    /// The time from the first failure to the success.
    pub lasted: Duration,
}

impl Outage {
    /// Counts a failure; returns the number of failures if this one is to be logged: the 1st, 2nd, 4th,
    /// 8th, ...
    pub fn fail(&mut self) -> Option<u32> {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert_with(Instant::now);
        self.to_log()
    }

    /// Records a success; returns the outage that it ended, if there was one.
    pub fn end(&mut self) -> Option<Recovery> {
        let Self { failures, since } = std::mem::take(self);
        Some(Recovery { failures, lasted: since?.elapsed() })
    }

    fn to_log(&self) -> Option<u32> {
        self.failures.is_power_of_two().then_some(self.failures)
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failures, lasted } = self;
        let lasted = humantime::format_duration(Duration::from_millis(
            u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
        ));
        let plural = if *failures == 1 { "" } else { "s" };
        write!(f, "after {failures} failure{plural} in {lasted}")
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
    async fn of_a_hundred_failures_seven_are_logged_and_the_recovery() {
        let mut outage = Outage::default();
        assert_eq!(outage.end(), None, "nothing had failed");
        let mut logged = Vec::new();
        for _ in 0..100 {
            logged.extend(outage.fail());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(logged, [1, 2, 4, 8, 16, 32, 64]);
        let recovery = outage.end().unwrap();
        assert_eq!(recovery.to_string(), "after 100 failures in 1m 40s");
        assert_eq!(outage.end(), None, "it is returned once");

        assert_eq!(outage.fail(), Some(1));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(outage.end().unwrap().to_string(), "after 1 failure in 2s");
    }
}
