//! The state of the dependencies and the progress of fetching. It is plain state: stages report to it, and
//! [`Verdict`](super::verdict::Verdict) judges it.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::dependency::{Cause, Dependency};

/// How long a dependency may fail before the service is not ready: one or two retries are normal.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many past failures are kept.
const PAST: usize = 5;

/// The role of this instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Not yet connected to Redis.
    Starting,
    /// Another instance fetches; this one takes over if it stops.
    Standby,
    /// This instance fetches.
    Fetching,
    /// A word that a newer version wrote.
    #[serde(other)]
    Unknown,
}

impl Role {
    /// The stable word, as serde writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Standby => "standby",
            Self::Fetching => "fetching",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether an instance of this role needs the dependency: a standby needs only Redis.
fn matters(dependency: Dependency, role: Role) -> bool {
    matches!(dependency, Dependency::Redis | Dependency::Lease) || role == Role::Fetching
}

/// The state of the service, shared by everything that reports to it.
#[derive(Debug)]
pub struct Health {
    state: Mutex<Inner>,
    /// The longest time between two answers of a working Long Poll server.
    poll_deadline: Duration,
}

#[derive(Debug)]
struct Inner {
    role: Role,
    role_since: Instant,
    failures: BTreeMap<Dependency, Ongoing>,
    /// Past failures and when they ended, the newest first.
    past: VecDeque<(Failure, Instant)>,
    /// The last progress: VK answered, or a batch was committed. Also the moment from which progress was
    /// possible: this instance began to fetch, or a failure ended.
    progressed: Instant,
    /// When fetching was last restarted because it had stalled, if there was no progress since.
    restarted: Option<Instant>,
    /// When Long Poll last answered.
    polled: Option<Instant>,
    /// When a batch was last committed.
    committed: Option<Instant>,
    /// When this instance last acquired the lease.
    acquired: Option<Instant>,
    /// Whether the position has been in Redis since then: it came with the lease, or a batch was committed.
    has_position: bool,
    /// Whether VK has accepted the token.
    token_accepted: bool,
}

/// An ongoing failure.
#[derive(Debug)]
struct Ongoing {
    since: Instant,
    cause: Cause,
    reason: String,
}

impl Ongoing {
    fn of(&self, dependency: Dependency) -> Failure {
        let Self { since, cause, reason } = self;
        Failure { dependency, cause: *cause, lasts: since.elapsed(), reason: reason.clone() }
    }
}

/// The failure of a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The dependency.
    pub dependency: Dependency,
    /// The cause.
    pub cause: Cause,
    /// How long it has lasted, or how long it lasted.
    #[serde(rename = "for_s", with = "seconds")]
    pub lasts: Duration,
    /// What happened, for people; without secrets.
    pub reason: String,
}

impl Failure {
    /// Whether it has lasted longer than one or two retries take.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.lasts >= PATIENCE
    }
}

/// A failure that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFailure {
    /// How long ago it ended.
    #[serde(rename = "ended_s", with = "seconds")]
    pub ended: Duration,
    /// The failure.
    #[serde(flatten)]
    pub failure: Failure,
}

/// A duration as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(span.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

/// The state at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSnapshot {
    /// The role of this instance.
    pub role: Role,
    /// How long it has had that role.
    pub role_for: Duration,
    /// How long ago Long Poll last answered; none if it never has.
    pub polled: Option<Duration>,
    /// How long ago a batch was last committed; none if none was.
    pub committed: Option<Duration>,
    /// The current failures, in the order of [`Dependency`].
    pub failures: Vec<Failure>,
    /// Whether this instance has shown that it can do its work. While it fetches: Long Poll has answered, and
    /// the position is in Redis, both since it acquired the lease. While it stands by: VK has accepted its token.
    pub proven: bool,
    /// Whether there is no progress although no dependency fails: a bug.
    pub stalled: bool,
}

impl Inner {
    /// Moves an ongoing failure to the past ones; returns false if there is none.
    fn end_failure(&mut self, dependency: Dependency) -> bool {
        let Some(failure) = self.failures.remove(&dependency) else { return false };
        self.past.push_front((failure.of(dependency), Instant::now()));
        self.past.truncate(PAST);
        true
    }

    fn progress(&mut self) {
        self.progressed = Instant::now();
        self.restarted = None;
    }

    fn take(&mut self, role: Role) {
        if self.role != role {
            self.role = role;
            self.role_since = Instant::now();
            self.progress();
            self.failures.retain(|dependency, _| matters(*dependency, role));
        }
    }

    fn is_proven(&self) -> bool {
        match self.role {
            Role::Fetching => self.has_position && self.polled >= self.acquired,
            Role::Standby => self.token_accepted,
            Role::Starting | Role::Unknown => false,
        }
    }
}

impl Health {
    /// The health of a service that has just started, whose polls VK holds for up to `wait`.
    #[must_use]
    pub fn new(wait: Duration) -> Self {
        let state = Inner {
            role: Role::Starting,
            role_since: Instant::now(),
            failures: BTreeMap::new(),
            past: VecDeque::with_capacity(PAST + 1),
            progressed: Instant::now(),
            restarted: None,
            polled: None,
            committed: None,
            acquired: None,
            has_position: false,
            token_accepted: false,
        };
        Self { state: Mutex::new(state), poll_deadline: wait + PATIENCE + PATIENCE }
    }

    /// Reports that this instance stands by.
    pub fn standing_by(&self) {
        self.state().take(Role::Standby);
    }

    /// Reports that this instance acquired the lease and fetches. `has_position` says whether Redis returned a
    /// position with the lease.
    pub fn acquired(&self, has_position: bool) {
        let mut state = self.state();
        state.take(Role::Fetching);
        state.acquired = Some(Instant::now());
        state.has_position = has_position;
    }

    /// Whether this process has just started and Redis has not answered it yet.
    #[must_use]
    pub fn has_just_started(&self) -> bool {
        let state = self.state();
        state.role == Role::Starting && state.role_since.elapsed() < PATIENCE
    }

    /// Reports that a dependency works.
    pub fn ok(&self, dependency: Dependency) {
        let mut state = self.state();
        if state.end_failure(dependency) {
            state.progress();
        }
        // Redis also answers the renewals of the lease, which are no progress.
        if dependency != Dependency::Redis {
            state.progress();
        }
        if dependency == Dependency::LongPoll {
            state.polled = Some(Instant::now());
            state.token_accepted = true;
        }
    }

    /// Reports that VK accepted the token of an instance that stands by.
    pub fn token_accepted(&self) {
        let mut state = self.state();
        state.token_accepted = true;
        state.end_failure(Dependency::LongPoll);
    }

    /// Whether an instance that stands by has yet to show its token to VK.
    #[must_use]
    pub fn has_token_to_show(&self) -> bool {
        let state = self.state();
        state.role == Role::Standby && !state.token_accepted
    }

    /// Reports that nothing needs the dependency any more: its failure has ended.
    pub fn not_needed(&self, dependency: Dependency) {
        self.state().end_failure(dependency);
    }

    /// Reports that a batch is committed.
    pub fn committed(&self) {
        let mut state = self.state();
        state.committed = Some(Instant::now());
        state.has_position = true;
        state.progress();
    }

    /// Whether fetching has made no progress for so long that it should be restarted.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let restarted = self.state().restarted;
        self.snapshot().stalled && restarted.is_none_or(|at| at.elapsed() > self.poll_deadline)
    }

    /// Reports that fetching was restarted because it had stalled. The first restart counts as progress, so
    /// that systemd's watchdog restarts the process only if the restart of fetching did not help.
    pub fn restarted(&self) {
        let mut state = self.state();
        if state.restarted.is_none() {
            state.progressed = Instant::now();
        }
        state.restarted = Some(Instant::now());
    }

    /// Reports that a dependency answered with an error. `reason` must not contain secrets.
    pub fn failing(&self, dependency: Dependency, reason: impl fmt::Display) {
        self.failing_since(dependency, Cause::Error, Instant::now(), reason);
    }

    /// Reports that a dependency fails by `cause`. `reason` must not contain secrets.
    pub fn failing_by(&self, dependency: Dependency, cause: Cause, reason: impl fmt::Display) {
        self.failing_since(dependency, cause, Instant::now(), reason);
    }

    /// Reports that a dependency gave no usable answer; `reached` says whether there was a connection.
    pub fn no_answer(&self, dependency: Dependency, reached: bool, reason: impl fmt::Display) {
        self.failing_by(dependency, Cause::of_no_answer(reached), reason);
    }

    /// Reports that a dependency has failed since `asked`, the time of the call. An ongoing failure keeps
    /// its start.
    pub fn failing_since(
        &self,
        dependency: Dependency,
        cause: Cause,
        asked: Instant,
        reason: impl fmt::Display,
    ) {
        let reason = reason.to_string();
        let mut state = self.state();
        let since = state.failures.get(&dependency).map_or(asked, |failure| failure.since);
        state.failures.insert(dependency, Ongoing { since, cause, reason });
    }

    /// The last failures that have ended, the newest first.
    #[must_use]
    pub fn past(&self) -> Vec<PastFailure> {
        let past = |(failure, end): &(Failure, Instant)| PastFailure {
            ended: end.elapsed(),
            failure: failure.clone(),
        };
        self.state().past.iter().map(past).collect()
    }

    /// The current state.
    #[must_use]
    pub fn snapshot(&self) -> HealthSnapshot {
        let state = self.state();
        let mut failures: Vec<_> =
            state.failures.iter().map(|(dependency, failure)| failure.of(*dependency)).collect();
        let silence = state.progressed.elapsed();
        let stalled =
            state.role == Role::Fetching && failures.is_empty() && silence > self.poll_deadline;
        if stalled {
            failures.push(Failure {
                dependency: Dependency::Service,
                cause: Cause::Stalled,
                lasts: silence,
                reason: "no poll, look-up or commit has ended".to_owned(),
            });
        }
        HealthSnapshot {
            role: state.role,
            role_for: state.role_since.elapsed(),
            polled: state.polled.map(|at| at.elapsed()),
            committed: state.committed.map(|at| at.elapsed()),
            failures,
            proven: state.is_proven(),
            stalled,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
