//! The verdict: whether events flow, which dependency is at fault if not, and what to do. Everything that
//! shows the state of the service shows this verdict.

mod words;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use self::words::{problem, remediation, stopped};
use super::{
    dependency::{Cause, Dependency},
    health::{Failure, HealthSnapshot, Role},
    status::{BusReport, ago, span},
};

/// From this age of the last commit on, the verdict says how long VK has sent nothing new.
const QUIET: Duration = Duration::from_secs(300);
/// If the position changed within so many seconds, some instance fetches.
const MOVING: u64 = 60;

/// Whether events flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// Events flow.
    Flowing,
    /// Another instance fetches; this one takes over if it stops.
    Standby,
    /// A dependency has failed for some seconds; the service retries.
    Degraded,
    /// Events do not flow.
    Stopped,
    /// The service has not shown yet that it can do its work.
    Starting,
    /// The service does not answer, or a newer version wrote another word.
    #[serde(other)]
    Unknown,
}

/// Whether events flow, which dependency is at fault if not, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether events flow, in one word.
    pub state: FlowState,
    /// Whether the service is ready: it fetches, or it stands by.
    pub ready: bool,
    /// The dependency at fault.
    pub fault: Option<Dependency>,
    /// The cause of its failure.
    pub cause: Option<Cause>,
    /// The verdict in a sentence.
    pub summary: String,
    /// Details.
    pub detail: Option<String>,
    /// What to do.
    pub remediation: Option<String>,
}

impl Verdict {
    /// Judges the service's health, and the state of the bus if it is known. The bus only adds details and may
    /// name a fault; it does not decide whether the service is ready.
    #[must_use]
    pub fn new(health: &HealthSnapshot, bus: Option<&BusReport>) -> Self {
        if let Some(failure) = fault(&health.failures) {
            return Self::on_failure(health, failure);
        }
        let bus_error = bus.and_then(|bus| bus.error.as_deref());
        match health.role {
            Role::Starting => {
                Self::without_fault(FlowState::Starting, "The service is starting.", None)
            }
            Role::Unknown => {
                Self::without_fault(FlowState::Unknown, "Whether events flow is unknown.", None)
            }
            Role::Fetching if !health.proven => Self::without_fault(
                FlowState::Starting,
                "This instance has the lease and makes its first poll.",
                None,
            ),
            Role::Standby if !health.proven => Self::without_fault(
                FlowState::Starting,
                "Standing by; VK has not accepted the token yet.",
                None,
            ),
            Role::Standby | Role::Fetching if bus_error.is_some() => Self {
                detail: bus_error.map(str::to_owned),
                remediation: Some(words::UNREADABLE_BUS.to_owned()),
                ..Self::at_fault(
                    FlowState::Degraded,
                    Dependency::Redis,
                    Cause::Error,
                    "The service works, but Redis does not report the state of the bus.",
                )
            },
            Role::Standby => {
                let holder = bus.and_then(|bus| bus.snapshot.as_ref()).map(|it| it.holder.as_ref());
                let detail = holder.map(|holder| match holder {
                    Some(holder) => format!("{holder} fetches."),
                    None => {
                        "No instance fetches now; this one takes over within seconds.".to_owned()
                    }
                });
                let summary = "Standing by: another instance fetches.";
                Self::without_fault(FlowState::Standby, summary, detail)
            }
            Role::Fetching => {
                Self::without_fault(FlowState::Flowing, "Events flow.", health.committed.map(news))
            }
        }
    }

    /// The verdict if the service does not answer; `error` says why. The state of the bus shows whether some
    /// instance fetches.
    #[must_use]
    pub fn without_service(error: &str, bus: Option<&BusReport>) -> Self {
        let silent = format!("The service does not answer: {error}");
        let service = |state, summary: &str| Self {
            detail: Some(silent.clone()),
            ..Self::at_fault(state, Dependency::Service, Cause::Unreachable, summary)
        };
        let Some(bus) = bus else {
            return service(FlowState::Unknown, "Whether events flow is unknown.");
        };
        let (Some(snapshot), None) = (&bus.snapshot, &bus.error) else {
            let error = bus.error.as_deref().unwrap_or("it was not queried");
            let summary = "Neither Redis nor the service answers.";
            return Self {
                detail: Some(format!("Redis: {error}. {silent}")),
                ..Self::at_fault(FlowState::Unknown, Dependency::Redis, Cause::Unreachable, summary)
            };
        };
        let moved = snapshot.position.as_ref().and_then(|position| position.age_s);
        match (&snapshot.holder, moved) {
            (Some(holder), Some(age)) if age < MOVING => Self::without_fault(
                FlowState::Flowing,
                &format!("Events flow: {holder} fetches."),
                Some(format!("The last updates came {}. {silent}", ago(age))),
            ),
            (Some(holder), _) => service(
                FlowState::Unknown,
                &format!("Whether events flow is unknown: {holder} holds the lease."),
            ),
            (None, _) => service(FlowState::Stopped, "Events do not flow: no instance fetches."),
        }
    }

    fn on_failure(health: &HealthSnapshot, failure: &Failure) -> Self {
        let Failure { dependency, cause, lasts, reason } = failure;
        let (dependency, cause) = (*dependency, *cause);
        let problem = problem(dependency, cause);
        let (state, summary) = match health.role {
            // Only an instance that has not shown its token yet calls VK while it stands by.
            Role::Standby if dependency == Dependency::LongPoll => {
                (FlowState::Starting, format!("This instance cannot take over yet: {problem}."))
            }
            _ if failure.is_lasting() => (FlowState::Stopped, stopped(dependency, cause)),
            _ if health.proven => (
                FlowState::Degraded,
                format!("Events are delayed: {problem}. The service retries."),
            ),
            _ => {
                (FlowState::Starting, format!("The service cannot start fetching yet: {problem}."))
            }
        };
        let detail = format!("Failing for {}: {}", span(lasts.as_secs()), sentence(reason));
        Self { detail: Some(detail), ..Self::at_fault(state, dependency, cause, &summary) }
    }

    fn at_fault(state: FlowState, dependency: Dependency, cause: Cause, summary: &str) -> Self {
        Self {
            fault: Some(dependency),
            cause: Some(cause),
            remediation: Some(remediation(dependency, cause).to_owned()),
            ..Self::without_fault(state, summary, None)
        }
    }

    fn without_fault(state: FlowState, summary: &str, detail: Option<String>) -> Self {
        Self {
            state,
            ready: matches!(state, FlowState::Flowing | FlowState::Standby | FlowState::Degraded),
            fault: None,
            cause: None,
            summary: summary.to_owned(),
            detail,
            remediation: None,
        }
    }

    /// The stable words of the fault and its cause, such as `redis (unreachable)`.
    fn words(&self) -> Option<String> {
        let fault = self.fault?.as_str();
        Some(
            self.cause
                .map_or_else(|| fault.to_owned(), |cause| format!("{fault} ({})", cause.as_str())),
        )
    }

    /// The verdict as lines for people, the summary first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let fault = self.words().map(|words| format!("Fault: {words}"));
        let remediation = self.remediation.as_ref().map(|what| format!("What to do: {what}"));
        [Some(self.summary.clone()), fault, self.detail.clone(), remediation]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The failure at fault: of the lasting ones, else of all, the one nearest to the end of the pipeline, which
/// blocks every stage before it.
fn fault(failures: &[Failure]) -> Option<&Failure> {
    failures.iter().find(|failure| failure.is_lasting()).or(failures.first())
}

fn news(age: Duration) -> String {
    if age < QUIET {
        format!("The last updates came {}.", ago(age.as_secs()))
    } else {
        format!("VK has sent nothing new for {}.", span(age.as_secs()))
    }
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    format!("{}.", reason.trim_end_matches('.'))
}

/// The verdict as `/readyz`, `event-fetcher health` and systemd show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The verdict.
    pub verdict: Verdict,
    /// The health that it was made from.
    pub health: HealthSnapshot,
}

impl Readiness {
    /// Judges the service's health, and the state of the bus if it is known.
    #[must_use]
    pub fn new(health: HealthSnapshot, bus: Option<&BusReport>) -> Self {
        Self { verdict: Verdict::new(&health, bus), health }
    }

    /// `ready: ` or `not ready: ` and the role. Scripts may rely on this form.
    fn headline(&self) -> String {
        let ready = if self.verdict.ready { "ready" } else { "not ready" };
        format!("{ready}: {}", self.health.role.as_str())
    }

    /// The whole verdict in one line. It does not change while nothing fails.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { verdict, .. } = self;
        let mut line = format!("{}; {}", self.headline(), verdict.summary);
        if let Some(words) = verdict.words() {
            let more = verdict.detail.iter().chain(&verdict.remediation);
            for part in more.cloned().chain([format!("Fault: {words}")]) {
                line.push(' ');
                line.push_str(&part.replace('\n', " "));
            }
        }
        line
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        for line in self.verdict.lines() {
            write!(f, "\n{line}")?;
        }
        for Failure { dependency, cause, lasts, reason } in &self.health.failures {
            if Some(*dependency) != self.verdict.fault {
                let (word, cause) = (dependency.as_str(), cause.as_str());
                let lasts = span(lasts.as_secs());
                write!(f, "\nAlso failing: {word} ({cause}), for {lasts}: {reason}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
