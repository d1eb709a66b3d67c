//! Everything that the page, `/status.json` and `event-fetcher status` show: the verdict, what the
//! service knows of itself, and what Redis knows of the bus.
//!
//! Nothing here is secret, names a person or quotes one. All times are ages, each by one clock: what
//! happened on the bus by Redis', what happened in the service by its own.

mod bus;
mod collector;
mod gauges;
mod history;
mod span;

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
pub use gauges::StreamGauges;
pub use history::{Committed, History};
pub use span::{ago, span};

/// The whole view. `event-fetcher status --json` prints it; its keys are stable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Whether events flow, and which dependency is at fault if not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the service reports.
    pub service: QueryResult<Service>,
    /// What Redis reports; none where events go to standard output.
    pub redis: Option<BusReport>,
}

/// The answer of somebody who was asked, or `{"error": ...}`: why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QueryResult<T> {
    /// There was no answer.
    Err {
        /// Why.
        error: String,
    },
    /// The answer.
    Ok(T),
}

/// What the service knows of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its version, and the revision where the build knew it.
    pub version: String,
    /// Whose events it fetches.
    pub group_id: i64,
    /// How long it has run.
    pub uptime_s: u64,
    /// What it does.
    pub role: Role,
    /// How long it has done that.
    pub role_for_s: u64,
    /// How long ago VK's Long Poll last answered; none where it never did.
    pub last_poll_s: Option<u64>,
    /// How long ago it last committed; none where it never did.
    pub last_commit_s: Option<u64>,
    /// How many events it committed in the last minute, or would have at the rate since its start.
    pub events_a_minute: u64,
    /// What fails now.
    pub failures: Vec<Failure>,
    /// What failed and is over, the newest first; a few.
    pub past_failures: Vec<PastFailure>,
    /// When VK lost updates since the start of the service, the newest first; a few.
    pub gaps: Vec<GapNote>,
    /// The last hour or what there is of it, the oldest minute first; the last one is still going on.
    pub minutes: Vec<Minute>,
}

/// Updates that VK lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapNote {
    /// How long ago that was noticed.
    pub age_s: u64,
    /// How many they were, by VK's positions.
    pub updates_lost: u64,
}

/// What went onto the bus in a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// How long it was: the last one is not over yet.
    pub seconds: u64,
    /// Events committed, by type.
    pub events: BTreeMap<String, u64>,
    /// The time from VK's answer to the commit that half of the batches kept, in milliseconds; none
    /// where there was no batch.
    pub p50_ms: Option<f64>,
    /// The time that 99 of 100 kept.
    pub p99_ms: Option<f64>,
}
