//! Growing pauses with jitter and a cap.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::outage::{Outage, Over};

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
    pub fn reset(&mut self) -> Option<Over> {
        let over = self.outage.end();
        if over.is_some() {
            self.pauses = self.builder.build();
        }
        over
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
}
