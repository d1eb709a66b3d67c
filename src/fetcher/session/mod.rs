//! The Long Poll session as a pure state machine: its state, and how each reply changes it.
//!
//! Only five replies move the position: updates with a later `ts`, `failed` 1, `failed` 3, a damaged body
//! that VK sends repeatedly, and the reply to the very first request for a server. All others keep it, so
//! no update is skipped. Only `failed` 1 and 3 move it back, and the session check, which treats a position
//! ahead of VK's queue like `failed` 3.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use super::{
    Batch, Gap, GapCause,
    salvage::{before_damage, fingerprint, salvage},
};
use crate::{
    ts::Ts,
    vk::{LongPollServer, PollReply, RequestError},
};

/// After so many failed polls in a row a new server is requested: VK may have moved the session.
const MAX_FAILED_POLLS: u32 = 5;
/// After so many bodies in a row with the same damage, everything that can be read in them is taken.
const SAME_DAMAGE_TRIES: u32 = 3;
/// After so many damaged bodies at one position, the updates before the damage are taken.
const DAMAGED_BODY_TRIES: u32 = 10;
/// After so many replies in a row with updates and the same position, each is a failure.
const MAX_UNMOVED: u32 = 5;
/// How many updates are remembered at a position that does not move.
const MAX_REMEMBERED: usize = 100_000;

/// The state of a session.
#[derive(Debug)]
pub enum SessionState {
    /// There is no server to poll; one must be requested.
    Connecting(Connecting),
    /// There are a server and a position to poll from.
    Polling(Polling),
}

/// A session without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connecting {
    /// The very first start: the session begins at VK's newest position.
    Fresh,
    /// The session continues from this position, whatever VK's newest is.
    From(Ts),
    /// VK lost the updates after this position: the session continues at VK's newest, with a gap.
    LostAfter(Ts),
}

/// A session that polls a server.
#[derive(Debug)]
pub struct Polling {
    /// The server.
    pub server: LongPollServer,
    /// The position to poll from.
    pub ts: Ts,
    /// Polls without a reply, in a row.
    failed_polls: u32,
    damage: Option<Damage>,
    /// `failed` 1, so many times in a row.
    resets: u32,
    /// Replies with updates at this position, in a row.
    unmoved: u32,
    /// Hashes of the updates received at this position without moving it.
    received: HashSet<u64>,
}

/// The damaged bodies received at one position.
#[derive(Debug, Clone, Copy)]
struct Damage {
    /// Identifies the damage of the latest body.
    fingerprint: u64,
    /// How many bodies had the same damage, in a row.
    same: u32,
    /// How many bodies there were.
    bodies: u32,
}

/// The result of a reply.
#[derive(Debug)]
pub struct Step {
    /// The new state.
    pub state: SessionState,
    /// The batch to pass on; its position is the session's new one.
    pub batch: Option<Batch>,
    /// Why the next request must wait for the back-off.
    pub failure: Option<RequestError>,
}

impl SessionState {
    /// The state at a start: `position` is the committed one, none on the very first start.
    #[must_use]
    pub fn starting_at(position: Option<Ts>) -> Self {
        Self::Connecting(position.map_or(Connecting::Fresh, Connecting::From))
    }

    fn without_batch(self, failure: Option<RequestError>) -> Step {
        Step { state: self, batch: None, failure }
    }
}

impl Connecting {
    /// VK named a server and its newest position.
    #[must_use]
    pub fn granted(self, server: LongPollServer, newest: Ts) -> Step {
        let (ts, batch) = match self {
            Self::From(ts) => (ts, None),
            Self::Fresh => (newest, Some(Batch::position_only(newest, None))),
            Self::LostAfter(from) => {
                let gap = Gap { from, to: newest, cause: GapCause::Lost };
                (newest, Some(Batch::position_only(newest, Some(gap))))
            }
        };
        Step { state: SessionState::Polling(Polling::new(server, ts)), batch, failure: None }
    }

    fn step(self, failure: Option<RequestError>) -> Step {
        SessionState::Connecting(self).without_batch(failure)
    }
}

impl Polling {
    fn new(server: LongPollServer, ts: Ts) -> Self {
        let received = HashSet::new();
        Self { server, ts, failed_polls: 0, damage: None, resets: 0, unmoved: 0, received }
    }

    /// The same session on another server, from the same position.
    #[must_use]
    pub fn on(self, server: LongPollServer) -> Self {
        Self { server, failed_polls: 0, ..self }
    }

    /// A poll ended with `reply`.
    #[must_use]
    pub fn replied(self, reply: PollReply) -> Step {
        match reply {
            PollReply::Updates { ts, updates } => self.updates(ts, updates),
            PollReply::Outdated { ts } => self.outdated(ts),
            PollReply::KeyExpired => Connecting::From(self.ts).step(None),
            PollReply::Lost => Connecting::LostAfter(self.ts).step(None),
            PollReply::Unknown { what } => Connecting::From(self.ts).step(Some(what.into())),
            PollReply::Unreachable { reason } => self.unreachable(reason),
            PollReply::Malformed { body } => self.damaged(&body),
        }
    }

    fn unreachable(self, reason: RequestError) -> Step {
        let failed_polls = self.failed_polls + 1;
        if failed_polls >= MAX_FAILED_POLLS {
            return Connecting::From(self.ts).step(Some(reason));
        }
        SessionState::Polling(Self { failed_polls, ..self }).without_batch(Some(reason))
    }

    fn updates(self, ts: Ts, updates: Vec<Box<str>>) -> Step {
        if ts < self.ts {
            let problem = format!("its ts {ts} lies before the position {}", self.ts);
            return Connecting::From(self.ts).step(Some(problem.into()));
        }
        if ts > self.ts {
            return self.advance(Batch::new(updates, ts));
        }
        if updates.is_empty() {
            let state = SessionState::Polling(Self { unmoved: 0, ..self.reached() });
            return state.without_batch(None);
        }
        self.unmoved(updates)
    }

    /// Updates without a new position: those received before are not passed on again. VK may change them
    /// each time, so they are not new for ever: whether they are events, the commit decides.
    fn unmoved(mut self, updates: Vec<Box<str>>) -> Step {
        let number = updates.len();
        let hasher = BuildHasherDefault::<DefaultHasher>::new();
        let (mut new, mut new_hashes) = (Vec::new(), Vec::new());
        for update in updates {
            let hash = hasher.hash_one(&update);
            if !self.received.contains(&hash) {
                new_hashes.push(hash);
                new.push(update);
            }
        }
        let is_full = self.received.len() + new.len() > MAX_REMEMBERED;
        if !is_full {
            self.received.extend(new_hashes);
        }
        let ts = self.ts;
        self.unmoved = self.unmoved.saturating_add(1);
        let failure = (new.is_empty() || is_full || self.unmoved >= MAX_UNMOVED)
            .then(|| format!("it sends {number} updates, and its ts stays at {ts}").into());
        let batch = (!new.is_empty()).then_some(Batch::new(new, ts));
        Step { state: SessionState::Polling(self.reached()), batch, failure }
    }

    fn outdated(self, ts: Ts) -> Step {
        let gap = Gap { from: self.ts, to: ts, cause: GapCause::Outdated };
        let resets = self.resets.saturating_add(1);
        let batch = Some(Batch::position_only(ts, Some(gap)));
        let state = SessionState::Polling(Self { resets, ..Self::new(self.server, ts) });
        let failure =
            (resets > 1).then(|| "it reports lost updates (failed 1) again and again".into());
        Step { state, batch, failure }
    }

    fn damaged(self, body: &str) -> Step {
        let fingerprint = fingerprint(body);
        let (same, bodies) = match self.damage {
            Some(last) if last.fingerprint == fingerprint => (last.same + 1, last.bodies + 1),
            Some(last) => (1, last.bodies + 1),
            None => (1, 1),
        };
        let failure =
            || RequestError::from(format!("a body of {} bytes that is not whole JSON", body.len()));
        if same >= SAME_DAMAGE_TRIES {
            return match salvage(body, self.ts) {
                Some(Batch { updates, ts, .. }) => self.updates(ts, updates),
                None => Connecting::From(self.ts).step(Some(failure())),
            };
        }
        if bodies >= DAMAGED_BODY_TRIES
            && let Some(batch) = before_damage(body, self.ts)
        {
            return self.advance(batch);
        }
        let damage = Some(Damage { fingerprint, same, bodies });
        SessionState::Polling(Self { damage, ..self }).without_batch(Some(failure()))
    }

    /// The server sent a whole reply, so earlier failures no longer count.
    fn reached(self) -> Self {
        Self { failed_polls: 0, damage: None, resets: 0, ..self }
    }

    fn advance(self, batch: Batch) -> Step {
        let state = SessionState::Polling(Self::new(self.server, batch.ts));
        Step { state, batch: Some(batch), failure: None }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
mod tests;
