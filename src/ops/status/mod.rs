//! The status that the page, `/status.json` and `event-fetcher status` show: the verdict, the state of the
//! service, and the state of the bus.
//!
//! It contains no secrets, no names of people and no texts of messages. All times are ages: those of the bus
//! by the clock of Redis, those of the service by its own clock.

mod bus;
mod collector;
mod history;
mod trend;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    health::{Failure, PastFailure, Role},
    verdict::Verdict,
};
pub use bus::{
    BusReport, BusSnapshot, GroupState, LetterNote, LettersState, Progress, StreamState,
};
pub use collector::StatusCollector;
pub use history::{Committed, History};

/// The whole status. `event-fetcher status --json` prints it; its keys are stable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Whether events flow, and which dependency is at fault if not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The state of the service.
    pub service: QueryResult<Service>,
    /// The state of the bus; none if events go to standard output.
    pub redis: Option<BusReport>,
}

/// The answer to a query, or `{"error": ...}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QueryResult<T> {
    /// The query failed.
    Err {
        /// Why it failed.
        error: String,
    },
    /// The answer.
    Ok(T),
}

/// The state of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its version, and the revision if the build knew it.
    pub version: String,
    /// The community whose events it fetches.
    pub group_id: i64,
    /// How long it has run.
    pub uptime_s: u64,
    /// Its role.
    pub role: Role,
    /// How long it has had that role.
    pub role_for_s: u64,
    /// How long ago VK's Long Poll last answered; none if it never has.
    pub last_poll_s: Option<u64>,
    /// How long ago it last committed; none if it never has.
    pub last_commit_s: Option<u64>,
    /// Events committed per minute, measured over the last one or two minutes.
    pub events_a_minute: u64,
    /// The current failures.
    pub failures: Vec<Failure>,
    /// The last failures that have ended, the newest first; five at most.
    pub past_failures: Vec<PastFailure>,
    /// The last gaps since the start of the service, the newest first; five at most.
    pub gaps: Vec<GapNote>,
    /// The minutes of the last hour, the oldest first; the last one is not complete.
    pub minutes: Vec<Minute>,
}

/// A gap: updates that VK lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapNote {
    /// How long ago it was detected.
    pub age_s: u64,
    /// How many updates VK lost, estimated by its positions.
    pub updates_lost: u64,
}

/// What was committed in a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Its length: less than 60 for the last one, which is not complete.
    pub seconds: u64,
    /// Events committed, by type.
    pub events: BTreeMap<String, u64>,
    /// Updates that could not become events, by reason; those of types that are not routed are left out.
    #[serde(default)]
    pub dead_letters: Vec<ReasonCount>,
    /// The time from VK's answer to the commit of a batch, 50th percentile, in milliseconds; none if there
    /// was no batch.
    pub p50_ms: Option<f64>,
    /// The 99th percentile.
    pub p99_ms: Option<f64>,
}

/// How many updates could not become events for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCount {
    /// The reason.
    pub reason: String,
    /// The number of updates.
    pub count: u64,
}

/// A duration in its one or two largest units, such as `25 s`, `12 min`, `3 h 5 min` or `2 d 4 h`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0 | 1) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// An age: `just now`, or `12 min ago`.
#[must_use]
pub fn ago(seconds: u64) -> String {
    match seconds {
        0 | 1 => "just now".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, span};

    #[test]
    fn a_span_has_its_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (11_100, "3 h 5 min"),
            (86_400, "1 d"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert_eq!((ago(1), ago(125)), ("just now".to_owned(), "2 min ago".to_owned()));
    }
}
