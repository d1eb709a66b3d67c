//! The state of the dependencies and of the work. Plain state: stages report what they meet,
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

/// How long a dependency may fail before the service is not ready: a retry or two is nothing to report.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many failures that are over are remembered.
const PAST: usize = 5;

/// What this instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Not yet connected to Redis.
    Starting,
    /// Another instance fetches; this one is there to take over.
    Standby,
    /// This instance fetches.
    Fetching,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

impl Role {
    /// The role in a word.
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

/// Whether a dependency matters to an instance of this role: a standby needs Redis alone.
fn matters(dependency: Dependency, role: Role) -> bool {
    matches!(dependency, Dependency::Redis | Dependency::Lease) || role == Role::Fetching
}

/// The state of the service, shared by all who report to it.
#[derive(Debug)]
pub struct Health {
    state: Mutex<State>,
    /// The longest time between two answers of a healthy Long Poll server.
    poll_deadline: Duration,
}

#[derive(Debug)]
struct State {
    role: Role,
    role_since: Instant,
    failures: BTreeMap<Dependency, Ongoing>,
    /// The failures that are over, with their ends, the newest first.
    past: VecDeque<(Failure, Instant)>,
    /// When the work last moved: VK answered or a batch was committed. Or when it could again: this
    /// instance began to fetch, or what kept it from polling was over.
    moved: Instant,
    /// When the work was last begun again because it stood still, if it has not moved since.
    again: Option<Instant>,
    /// When Long Poll last answered, if it ever did.
    polled: Option<Instant>,
    /// When a batch was last committed, if one ever was.
    committed: Option<Instant>,
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

/// A dependency that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which one.
    pub dependency: Dependency,
    /// In what way.
    pub cause: Cause,
    /// For how long.
    #[serde(rename = "for_s", with = "seconds")]
    pub lasts: Duration,
    /// What happened, in words and without secrets.
    pub reason: String,
}

impl Failure {
    /// Whether it has lasted too long for a retry or two to help.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.lasts >= PATIENCE
    }
}

/// A failure that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFailure {
    /// How long ago it ended.
    #[serde(rename = "ended_s", with = "seconds")]
    pub ended: Duration,
    /// What it was, and how long it lasted.
    #[serde(flatten)]
    pub failure: Failure,
}

/// A span as whole seconds.
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
    /// What this instance is doing.
    pub role: Role,
    /// For how long.
    pub role_for: Duration,
    /// How long ago Long Poll last answered; none where it never did.
    pub polled: Option<Duration>,
    /// How long ago a batch was last committed; none where none was.
    pub committed: Option<Duration>,
    /// What fails, in the order of [`Dependency`].
    pub failures: Vec<Failure>,
    /// Whether the work has begun: Long Poll has answered once, or this instance stands by.
    pub begun: bool,
    /// Whether the work makes no progress although no dependency fails: a bug.
    pub stalled: bool,
}

impl State {
    /// Puts an ongoing failure among the past ones; false where there is none.
    fn end_failure(&mut self, dependency: Dependency) -> bool {
        let Some(failure) = self.failures.remove(&dependency) else { return false };
        self.past.push_front((failure.of(dependency), Instant::now()));
        self.past.truncate(PAST);
        true
    }

    fn move_on(&mut self) {
        self.moved = Instant::now();
        self.again = None;
    }
}

impl Health {
    /// The health of a service that has just started, whose polls VK holds for up to `wait`.
    #[must_use]
    pub fn new(wait: Duration) -> Self {
        let state = State {
            role: Role::Starting,
            role_since: Instant::now(),
            failures: BTreeMap::new(),
            past: VecDeque::with_capacity(PAST + 1),
            moved: Instant::now(),
            again: None,
            polled: None,
            committed: None,
        };
        Self { state: Mutex::new(state), poll_deadline: wait + PATIENCE + PATIENCE }
    }

    /// The service is doing something else now.
    pub fn role(&self, role: Role) {
        let mut state = self.state();
        if state.role != role {
            state.role = role;
            state.role_since = Instant::now();
            state.move_on();
            state.failures.retain(|dependency, _| matters(*dependency, role));
        }
    }

    /// A dependency did what was asked of it.
    pub fn ok(&self, dependency: Dependency) {
        let mut state = self.state();
        if state.end_failure(dependency) {
            state.move_on();
        }
        // Redis also answers to what only keeps the lease.
        if dependency != Dependency::Redis {
            state.move_on();
        }
        if dependency == Dependency::LongPoll {
            state.polled = Some(Instant::now());
        }
    }

    /// Nothing is asked of a dependency any more, so its failure affects nobody.
    pub fn not_needed(&self, dependency: Dependency) {
        self.state().end_failure(dependency);
    }

    /// A batch is on the bus.
    pub fn committed(&self) {
        let mut state = self.state();
        state.committed = Some(Instant::now());
        state.move_on();
    }

    /// Whether the work has made no progress for so long that it should be restarted.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let again = self.state().again;
        self.snapshot().stalled && again.is_none_or(|at| at.elapsed() > self.poll_deadline)
    }

    /// The work was restarted because it had stalled. The first time that counts as progress, so that
    /// a supervisor that restarts processes waits only once.
    pub fn restarted(&self) {
        let mut state = self.state();
        if state.again.is_none() {
            state.moved = Instant::now();
        }
        state.again = Some(Instant::now());
    }

    /// A dependency was reached and did not do what was asked of it, for this reason; without secrets.
    pub fn failing(&self, dependency: Dependency, reason: impl fmt::Display) {
        self.failing_since(dependency, Cause::Error, Instant::now(), reason);
    }

    /// Likewise, in a way that has a remediation of its own.
    pub fn failing_by(&self, dependency: Dependency, cause: Cause, reason: impl fmt::Display) {
        self.failing_since(dependency, cause, Instant::now(), reason);
    }

    /// A dependency gave no answer that could be used; perhaps it was not even reached.
    pub fn no_answer(&self, dependency: Dependency, reached: bool, reason: impl fmt::Display) {
        self.failing_by(dependency, Cause::of_no_answer(reached), reason);
    }

    /// A dependency has not done what it was asked for at `asked`, and should have done by now. A
    /// failure that is already known keeps its beginning.
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

    /// The last failures that are over, the newest first.
    #[must_use]
    pub fn past(&self) -> Vec<PastFailure> {
        let past = |(failure, end): &(Failure, Instant)| PastFailure {
            ended: end.elapsed(),
            failure: failure.clone(),
        };
        self.state().past.iter().map(past).collect()
    }

    /// The state now.
    #[must_use]
    pub fn snapshot(&self) -> HealthSnapshot {
        let state = self.state();
        let mut failures: Vec<_> =
            state.failures.iter().map(|(dependency, failure)| failure.of(*dependency)).collect();
        let silence = state.moved.elapsed();
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
            begun: state.polled.is_some() || state.role == Role::Standby,
            stalled,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
