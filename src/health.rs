//! Whether events flow, and if not, which side is at fault. Plain state: the rooms report what they
//! meet, others read the verdict.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a side may fail before the service is not ready: a retry or two is nothing to report.
const PATIENCE: Duration = Duration::from_secs(10);

/// What this instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Not yet connected to Redis.
    Starting,
    /// Another instance fetches; this one is there to take over.
    Standby,
    /// This instance fetches.
    Fetching,
}

/// The parties that the service depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// Redis.
    Redis,
    /// The consumer group that has read least.
    Consumers,
    /// VK's Long Poll, and the API method that names its servers.
    LongPoll,
    /// VK's API, asked for the names of users.
    Users,
    /// VK's API, asked for the names of communities.
    Communities,
    /// VK's API, asked for the titles of chats.
    Chats,
}

impl Role {
    /// The role in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Standby => "standby",
            Self::Fetching => "fetching",
        }
    }
}

impl Party {
    /// All parties.
    pub const ALL: [Self; 6] =
        [Self::Redis, Self::Consumers, Self::LongPoll, Self::Users, Self::Communities, Self::Chats];

    /// The party in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Consumers => "consumers",
            Self::LongPoll => "long_poll",
            Self::Users => "users",
            Self::Communities => "communities",
            Self::Chats => "chats",
        }
    }

    /// Whether a standby has to do with it too.
    fn matters_to(self, role: Role) -> bool {
        self == Self::Redis || role == Role::Fetching
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Consumers => "Consumers",
            Self::LongPoll => "VK Long Poll",
            Self::Users => "VK API (users)",
            Self::Communities => "VK API (communities)",
            Self::Chats => "VK API (chats)",
        })
    }
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
    troubles: BTreeMap<Party, Trouble>,
    /// When Long Poll last answered, or this instance began to fetch.
    heard: Instant,
    /// Whether Long Poll has ever answered.
    polled: bool,
}

/// An ongoing failure.
#[derive(Debug)]
struct Trouble {
    since: Instant,
    reason: String,
}

/// Whether the service does its work, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it does, be it as a standby.
    pub ready: bool,
    /// What it is doing.
    pub role: Role,
    /// What is wrong, one party an entry; may be filled while still ready.
    pub troubles: Vec<String>,
    /// Whether it has begun its work: it has had an answer of Long Poll, or stands by.
    pub begun: bool,
    /// Whether it has come to a halt though no party has let it down: a bug.
    pub stalled: bool,
}

impl Health {
    /// The health of a service that has just started, whose polls VK holds for up to `wait`.
    #[must_use]
    pub fn new(wait: Duration) -> Self {
        let state = State {
            role: Role::Starting,
            troubles: BTreeMap::new(),
            heard: Instant::now(),
            polled: false,
        };
        Self { state: Mutex::new(state), poll_deadline: wait + PATIENCE + PATIENCE }
    }

    /// The service is doing something else now.
    pub fn role(&self, role: Role) {
        let mut state = self.state();
        if state.role != role {
            state.role = role;
            state.heard = Instant::now();
            state.troubles.retain(|party, _| party.matters_to(role));
        }
    }

    /// A party did what was asked of it.
    pub fn well(&self, party: Party) {
        let mut state = self.state();
        state.troubles.remove(&party);
        if party == Party::LongPoll {
            state.heard = Instant::now();
            state.polled = true;
        }
    }

    /// A party did not, for this reason; without secrets.
    pub fn ill(&self, party: Party, reason: impl fmt::Display) {
        let reason = reason.to_string();
        let mut state = self.state();
        let since = state.troubles.get(&party).map_or_else(Instant::now, |trouble| trouble.since);
        state.troubles.insert(party, Trouble { since, reason });
    }

    /// For how long a party has failed; none if it does not.
    #[must_use]
    pub fn ill_for(&self, party: Party) -> Option<Duration> {
        Some(self.state().troubles.get(&party)?.since.elapsed())
    }

    /// How things stand now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let state = self.state();
        let mut ready = state.role != Role::Starting;
        let mut troubles = Vec::new();
        for (party, Trouble { since, reason }) in &state.troubles {
            let lasts = since.elapsed();
            ready &= lasts < PATIENCE;
            troubles.push(format!("{party}, for {} s: {reason}", lasts.as_secs()));
        }
        let silence = state.heard.elapsed();
        let stalled =
            state.role == Role::Fetching && troubles.is_empty() && silence > self.poll_deadline;
        if stalled {
            ready = false;
            troubles.push(format!("{}, for {} s: no answer", Party::LongPoll, silence.as_secs()));
        }
        let begun = state.polled || state.role == Role::Standby;
        Verdict { ready, role: state.role, troubles, begun, stalled }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.role.as_str();
        let ready = if self.ready { "ready" } else { "not ready" };
        write!(f, "{ready}: {role}")?;
        self.troubles.iter().try_for_each(|trouble| write!(f, "\n{trouble}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetching() -> Health {
        let health = Health::new(Duration::from_secs(25));
        health.role(Role::Fetching);
        health
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_starts_is_not_ready_and_a_standby_is() {
        let health = Health::new(Duration::from_secs(25));
        assert_eq!(health.verdict().to_string(), "not ready: starting");
        health.role(Role::Standby);
        assert_eq!(health.verdict().to_string(), "ready: standby");
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_that_lasts_names_its_party_and_a_success_ends_it() {
        let health = fetching();
        health.ill(Party::Redis, "connection refused");
        assert!(health.verdict().ready, "a first failure is nothing yet");
        tokio::time::advance(PATIENCE).await;
        health.ill(Party::Redis, "connection refused");
        let text = health.verdict().to_string();
        assert_eq!(text, "not ready: fetching\nRedis, for 10 s: connection refused");
        health.well(Party::Redis);
        assert_eq!(health.verdict().to_string(), "ready: fetching");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_vk_beyond_a_poll_is_trouble() {
        let health = fetching();
        tokio::time::advance(Duration::from_secs(44)).await;
        assert!(health.verdict().ready);
        tokio::time::advance(Duration::from_secs(2)).await;
        let verdict = health.verdict();
        assert!(!verdict.ready && verdict.troubles[0].starts_with("VK Long Poll"));
        assert!(verdict.stalled, "nobody reported a failure, so it is this program's");
        health.well(Party::LongPoll);
        assert!(health.verdict().ready);
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_begun_with_the_first_answer_or_as_a_standby() {
        let health = fetching();
        assert!(!health.verdict().begun);
        health.well(Party::LongPoll);
        assert!(health.verdict().begun);

        let health = Health::new(Duration::from_secs(25));
        health.role(Role::Standby);
        assert!(health.verdict().begun);
    }

    #[tokio::test(start_paused = true)]
    async fn a_party_that_fails_is_no_stall() {
        let health = fetching();
        health.ill(Party::Redis, "connection refused");
        tokio::time::advance(PATIENCE * 100).await;
        let verdict = health.verdict();
        assert!(!verdict.ready && !verdict.stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_does_not_mind_vk() {
        let health = fetching();
        health.ill(Party::LongPoll, "502");
        health.role(Role::Standby);
        tokio::time::advance(PATIENCE * 10).await;
        assert!(health.verdict().ready);
    }
}
