//! How all of it does, in one look: what the service knows of itself, what Redis knows of the bus, and
//! the verdict on both. The page, `/status.json` and `event-fetcher status` show this and nothing else.
//!
//! Nothing here is secret, names a person or quotes one. All ages are told as ages, each by one clock:
//! what happened on the bus by Redis', what happened in the service by its own.

mod collector;
mod history;
mod span;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::verdict::{Verdict, judge};
use crate::bus::BusSnapshot;
pub use collector::StatusCollector;
pub use span::{ago, span};

/// How all of it does. `event-fetcher status --json` prints it; its keys are stable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Whether events flow, and what is at fault if not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the service says.
    pub service: QueryResult<Service>,
    /// What Redis says; none where events go to standard output.
    pub redis: Option<Redis>,
}

impl Status {
    /// Both sides, judged.
    #[must_use]
    pub fn new(service: QueryResult<Service>, redis: Option<Redis>) -> Self {
        Self { verdict: judge(&service, redis.as_ref()), service, redis }
    }
}

/// What was told, or `{"error": ...}`: why it was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QueryResult<T> {
    /// Nothing was told.
    Err {
        /// Why.
        error: String,
    },
    /// It was told.
    Ok(T),
}

impl<T> QueryResult<T> {
    /// What was told, if it was.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Ok(told) => Some(told),
            Self::Err { .. } => None,
        }
    }
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
    /// What it does: `starting`, `standby` or `fetching`.
    pub role: String,
    /// How long it has done that.
    pub role_for_s: u64,
    /// Whether it does its work, as `/readyz` says.
    pub ready: bool,
    /// Whether it has come to a halt by its own fault.
    pub stalled: bool,
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

/// Something that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Who lets the service down: `redis`, `consumers`, `long_poll`, `users`, `communities`, `chats`.
    pub dependency: String,
    /// For how long.
    pub for_s: u64,
    /// Whether it was reached at all.
    pub reached: bool,
    /// In what way.
    pub reason: String,
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFailure {
    /// How long ago it ended.
    pub ended_s: u64,
    /// What it was, and how long it lasted.
    #[serde(flatten)]
    pub failure: Failure,
}

/// Updates that VK lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapNote {
    /// How long ago that was noticed.
    pub age_s: u64,
    /// How many they were, by VK's positions.
    pub missed: u64,
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

/// What Redis said when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redis {
    /// Why it did not answer, if it did not.
    pub error: Option<String>,
    /// How old the answer below is.
    pub read_s_ago: Option<u64>,
    /// The last answer.
    pub snapshot: Option<BusSnapshot>,
}
