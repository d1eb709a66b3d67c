//! What is told of something that keeps failing: the 1st, 2nd, 4th, 8th, ... failure, and its end.

use std::{fmt, time::Duration};

use tokio::time::Instant;

/// The failures since the last success.
#[derive(Debug, Default)]
pub struct Outage {
    failures: u32,
    since: Option<Instant>,
}

/// An outage that is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Over {
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
    pub fn end(&mut self) -> Option<Over> {
        let Self { failures, since } = std::mem::take(self);
        Some(Over { failures, lasted: since?.elapsed() })
    }
}

impl fmt::Display for Over {
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
