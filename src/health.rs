//! Whether events flow, and if not, which side is at fault. Plain state: the rooms report what they
//! meet, others read the verdict.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a side may fail before the service is not ready: a retry or two is nothing to report.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many failures that are over are remembered.
const PAST: usize = 5;

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
    /// The disk or the replicas that `bus.durability` waits for.
    Durability,
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
    /// VK's API, asked for whole messages in place of cropped ones.
    Messages,
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
    pub const ALL: [Self; 8] = [
        Self::Redis,
        Self::Durability,
        Self::Consumers,
        Self::LongPoll,
        Self::Users,
        Self::Communities,
        Self::Chats,
        Self::Messages,
    ];

    /// The party in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Durability => "durability",
            Self::Consumers => "consumers",
            Self::LongPoll => "long_poll",
            Self::Users => "users",
            Self::Communities => "communities",
            Self::Chats => "chats",
            Self::Messages => "messages",
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
            Self::Durability => "Redis' durability",
            Self::Consumers => "Consumers",
            Self::LongPoll => "VK Long Poll",
            Self::Users => "VK API (users)",
            Self::Communities => "VK API (communities)",
            Self::Chats => "VK API (chats)",
            Self::Messages => "VK API (messages)",
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
    role_since: Instant,
    troubles: BTreeMap<Party, Trouble>,
    /// The failures that are over, with their ends, the newest first.
    past: VecDeque<(Failure, Instant)>,
    /// When the work last moved: VK answered or a batch was committed. Or when it could again: this
    /// instance began to fetch, or what kept it from polling was over.
    moved: Instant,
    /// When the work was last begun again because it stood still, if it has not moved since.
    again: Option<Instant>,
    /// When Long Poll last answered, if it ever did.
    polled: Option<Instant>,
}

/// An ongoing failure.
#[derive(Debug)]
struct Trouble {
    since: Instant,
    reached: bool,
    reason: String,
}

impl Trouble {
    fn of(&self, party: Party) -> Failure {
        let Self { since, reached, reason } = self;
        Failure { party, lasts: since.elapsed(), reached: *reached, reason: reason.clone() }
    }
}

/// A party that lets the service down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Who.
    pub party: Party,
    /// For how long.
    pub lasts: Duration,
    /// Whether it was reached at all.
    pub reached: bool,
    /// In what way; without secrets.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, for {} s: {}", self.party, self.lasts.as_secs(), self.reason)
    }
}

/// Whether the service does its work, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it does, be it as a standby.
    pub ready: bool,
    /// What it is doing.
    pub role: Role,
    /// For how long.
    pub role_for: Duration,
    /// How long ago Long Poll last answered; none where it never did.
    pub polled: Option<Duration>,
    /// What is wrong, one party an entry; may be filled while still ready.
    pub troubles: Vec<Failure>,
    /// Whether it has begun its work: it has had an answer of Long Poll, or stands by.
    pub begun: bool,
    /// Whether it has come to a halt though no party has let it down: a bug.
    pub stalled: bool,
}

impl State {
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
            troubles: BTreeMap::new(),
            past: VecDeque::with_capacity(PAST + 1),
            moved: Instant::now(),
            again: None,
            polled: None,
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
            state.troubles.retain(|party, _| party.matters_to(role));
        }
    }

    /// A party did what was asked of it.
    pub fn well(&self, party: Party) {
        let mut state = self.state();
        if let Some(trouble) = state.troubles.remove(&party) {
            state.past.push_front((trouble.of(party), Instant::now()));
            state.past.truncate(PAST);
            state.move_on();
        }
        // Redis also answers to what only keeps the lease.
        if party != Party::Redis {
            state.move_on();
        }
        if party == Party::LongPoll {
            state.polled = Some(Instant::now());
        }
    }

    /// Nothing is asked of a party any more, so that it fails nobody.
    pub fn not_needed(&self, party: Party) {
        let mut state = self.state();
        if let Some(trouble) = state.troubles.remove(&party) {
            state.past.push_front((trouble.of(party), Instant::now()));
            state.past.truncate(PAST);
        }
    }

    /// A batch is on the bus.
    pub fn committed(&self) {
        self.state().move_on();
    }

    /// Whether the work has stood still for so long that it should be begun again.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        let again = self.state().again;
        self.verdict().stalled && again.is_none_or(|at| at.elapsed() > self.poll_deadline)
    }

    /// The work is begun again because it stood still. The first time that counts as a move; whoever
    /// restarts processes is kept waiting only once.
    pub fn begins_again(&self) {
        let mut state = self.state();
        if state.again.is_none() {
            state.moved = Instant::now();
        }
        state.again = Some(Instant::now());
    }

    /// A party did not, for this reason; without secrets.
    pub fn ill(&self, party: Party, reason: impl fmt::Display) {
        self.fail(party, Instant::now(), true, &reason);
    }

    /// A party has not done what it was asked for at `asked`, and should have done by now.
    pub fn ill_since(&self, party: Party, asked: Instant, reason: impl fmt::Display) {
        self.fail(party, asked, true, &reason);
    }

    /// A party gave no answer that could be used; perhaps it was not even reached.
    pub fn no_answer(&self, party: Party, reached: bool, reason: impl fmt::Display) {
        self.fail(party, Instant::now(), reached, &reason);
    }

    fn fail(&self, party: Party, since: Instant, reached: bool, reason: &dyn fmt::Display) {
        let reason = reason.to_string();
        let mut state = self.state();
        let since = state.troubles.get(&party).map_or(since, |trouble| trouble.since);
        state.troubles.insert(party, Trouble { since, reached, reason });
    }

    /// The last failures that are over, the newest first, each with the time since its end.
    #[must_use]
    pub fn past(&self) -> Vec<(Failure, Duration)> {
        self.state().past.iter().map(|(failure, end)| (failure.clone(), end.elapsed())).collect()
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
        let mut troubles: Vec<_> =
            state.troubles.iter().map(|(party, trouble)| trouble.of(*party)).collect();
        let mut ready =
            state.role != Role::Starting && troubles.iter().all(|it| it.lasts < PATIENCE);
        let silence = state.moved.elapsed();
        let stalled =
            state.role == Role::Fetching && troubles.is_empty() && silence > self.poll_deadline;
        if stalled {
            ready = false;
            troubles.push(Failure {
                party: Party::LongPoll,
                lasts: silence,
                reached: false,
                reason: "no answer".to_owned(),
            });
        }
        Verdict {
            ready,
            role: state.role,
            role_for: state.role_since.elapsed(),
            polled: state.polled.map(|at| at.elapsed()),
            troubles,
            begun: state.polled.is_some() || state.role == Role::Standby,
            stalled,
        }
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
mod tests;
