//! The Long Poll session as a pure state machine: what is held, and what each answer makes of it.
//!
//! Only four answers move the position: updates, `failed` 1, `failed` 3, and a damaged body that
//! keeps coming back. Everything else keeps it, so that nothing is passed over.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Batch, Gap, GapCause, salvage::salvage};
use crate::{
    ts::Ts,
    vk::{NoAnswer, Reply, Server},
};

/// After so many polls without an answer a new server is asked for: VK may have moved it.
const MISSES: u32 = 5;
/// How often the same damaged body is fetched before what is whole in it is taken.
const DAMAGED_TRIES: u32 = 3;

/// What the session holds.
#[derive(Debug)]
pub enum State {
    /// No server to poll; one must be asked for.
    Connecting(Connecting),
    /// A server and the position to ask from.
    Polling(Polling),
}

/// Waiting for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connecting {
    /// The very first start: VK's newest position will be taken.
    Fresh,
    /// Going on from a position of our own, whatever VK's newest is.
    From(Ts),
    /// VK lost what came after this position: its newest will be taken, with a gap.
    LostAfter(Ts),
}

/// Polling a server.
#[derive(Debug)]
pub struct Polling {
    /// Where to ask.
    pub server: Server,
    /// From which position.
    pub ts: Ts,
    misses: u32,
    damage: Option<Damage>,
}

/// A damaged body and how often it has come.
#[derive(Debug, Clone, Copy)]
struct Damage {
    fingerprint: u64,
    times: u32,
}

/// What follows from an answer.
#[derive(Debug)]
pub struct Step {
    /// The new state.
    pub state: State,
    /// What to hand on, together with the position it leads to.
    pub batch: Option<Batch>,
    /// Why to pause before the next request.
    pub trouble: Option<NoAnswer>,
}

impl State {
    /// The state to start from: the committed position, or none on the very first start.
    #[must_use]
    pub fn starting_at(position: Option<Ts>) -> Self {
        Self::Connecting(position.map_or(Connecting::Fresh, Connecting::From))
    }
}

impl Connecting {
    /// VK named a server and its newest position.
    #[must_use]
    pub fn granted(self, server: Server, newest: Ts) -> Step {
        let (ts, batch) = match self {
            Self::From(ts) => (ts, None),
            Self::Fresh => (newest, Some(Batch::position_only(newest, None))),
            Self::LostAfter(from) => {
                let gap = Gap { from, to: newest, cause: GapCause::Lost };
                (newest, Some(Batch::position_only(newest, Some(gap))))
            }
        };
        let state = State::Polling(Polling { server, ts, misses: 0, damage: None });
        Step { state, batch, trouble: None }
    }
}

impl Polling {
    /// The server answered, or did not.
    #[must_use]
    pub fn replied(self, reply: Reply) -> Step {
        match reply {
            Reply::Updates { ts, updates } if updates.is_empty() && ts == self.ts => self.stay(),
            Reply::Updates { ts, updates } => self.advance(Batch { updates, ts, gap: None }),
            Reply::Outdated { ts } => {
                let gap = Gap { from: self.ts, to: ts, cause: GapCause::Outdated };
                self.advance(Batch::position_only(ts, Some(gap)))
            }
            Reply::KeyExpired => Connecting::From(self.ts).step(None),
            Reply::Lost => Connecting::LostAfter(self.ts).step(None),
            Reply::Unknown { what } => Connecting::From(self.ts).step(Some(what.into())),
            Reply::Unreachable { reason } if self.misses + 1 >= MISSES => {
                Connecting::From(self.ts).step(Some(reason))
            }
            Reply::Unreachable { reason } => {
                let misses = self.misses + 1;
                State::Polling(Self { misses, ..self }).step(Some(reason))
            }
            Reply::Malformed { body } => self.damaged(&body),
        }
    }

    fn damaged(self, body: &str) -> Step {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let fingerprint = hasher.finish();
        let times = match self.damage {
            Some(damage) if damage.fingerprint == fingerprint => damage.times + 1,
            _ => 1,
        };
        if times >= DAMAGED_TRIES {
            let batch = salvage(body, self.ts);
            return self.advance(batch);
        }
        let damage = Some(Damage { fingerprint, times });
        let trouble = format!("a body of {} bytes that is not whole JSON", body.len());
        State::Polling(Self { damage, ..self }).step(Some(trouble.into()))
    }

    fn advance(self, batch: Batch) -> Step {
        let state = State::Polling(Self { ts: batch.ts, misses: 0, damage: None, ..self });
        Step { state, batch: Some(batch), trouble: None }
    }

    fn stay(self) -> Step {
        State::Polling(Self { misses: 0, damage: None, ..self }).step(None)
    }
}

impl Connecting {
    fn step(self, trouble: Option<NoAnswer>) -> Step {
        State::Connecting(self).step(trouble)
    }
}

impl State {
    fn step(self, trouble: Option<NoAnswer>) -> Step {
        Step { state: self, batch: None, trouble }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server::new(reqwest::Url::parse("https://lp.vk.ru/whp/1").unwrap(), "key".into())
    }

    fn polling(ts: u64) -> Polling {
        Polling { server: server(), ts: Ts(ts), misses: 0, damage: None }
    }

    fn position(step: &Step) -> Option<u64> {
        match &step.state {
            State::Polling(polling) => Some(polling.ts.0),
            State::Connecting(Connecting::From(ts) | Connecting::LostAfter(ts)) => Some(ts.0),
            State::Connecting(Connecting::Fresh) => None,
        }
    }

    #[test]
    fn a_resumed_session_keeps_its_own_position_with_a_new_key() {
        let step = Connecting::From(Ts(7)).granted(server(), Ts(99));
        assert_eq!(position(&step), Some(7));
        assert!(step.batch.is_none());
    }

    #[test]
    fn a_first_start_takes_the_servers_position_and_commits_it() {
        let step = Connecting::Fresh.granted(server(), Ts(99));
        assert_eq!(step.batch, Some(Batch::position_only(Ts(99), None)));
    }

    #[test]
    fn updates_move_the_position_to_the_replys() {
        let updates = vec!["{}".into()];
        let step = polling(4).replied(Reply::Updates { ts: Ts(5), updates: updates.clone() });
        assert_eq!(position(&step), Some(5));
        assert_eq!(step.batch, Some(Batch { updates, ts: Ts(5), gap: None }));
    }

    #[test]
    fn an_empty_answer_hands_on_nothing() {
        let step = polling(4).replied(Reply::Updates { ts: Ts(4), updates: vec![] });
        assert!(step.batch.is_none() && step.trouble.is_none());
    }

    #[test]
    fn failed_1_goes_on_from_the_replys_position_with_a_gap() {
        let step = polling(4).replied(Reply::Outdated { ts: Ts(9) });
        assert!(matches!(step.state, State::Polling(_)));
        let gap = step.batch.unwrap().gap.unwrap();
        assert_eq!((gap.from, gap.to, gap.missed()), (Ts(4), Ts(9), 5));
    }

    #[test]
    fn failed_2_keeps_the_position_and_asks_for_a_key() {
        let step = polling(4).replied(Reply::KeyExpired);
        assert!(matches!(step.state, State::Connecting(Connecting::From(Ts(4)))));
        assert!(step.batch.is_none());
    }

    #[test]
    fn failed_3_takes_the_new_position_with_a_gap() {
        let step = polling(4).replied(Reply::Lost);
        let State::Connecting(connecting) = step.state else { panic!("asks for a server") };
        let step = connecting.granted(server(), Ts(2));
        assert_eq!(position(&step), Some(2));
        assert_eq!(step.batch.unwrap().gap.unwrap().from, Ts(4));
    }

    #[test]
    fn an_unknown_answer_pauses_then_asks_for_a_server_and_keeps_the_position() {
        let step = polling(4).replied(Reply::Unknown { what: "failed 7".into() });
        assert!(matches!(step.state, State::Connecting(Connecting::From(Ts(4)))));
        assert!(step.trouble.is_some());
    }

    #[test]
    fn a_silent_server_is_asked_again_and_then_replaced() {
        let mut current = polling(4);
        for _ in 1..MISSES {
            let step = current.replied(Reply::Unreachable { reason: "reset".into() });
            assert!(step.trouble.is_some());
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
        let step = current.replied(Reply::Unreachable { reason: "reset".into() });
        assert!(matches!(step.state, State::Connecting(Connecting::From(Ts(4)))));
    }

    #[test]
    fn a_body_that_stays_damaged_is_taken_apart_after_a_few_tries() {
        let body = r#"{"ts":"6","updates":[{"a":1},{"b":2},]}"#;
        let mut current = polling(4);
        for _ in 1..DAMAGED_TRIES {
            let step = current.replied(Reply::Malformed { body: body.into() });
            assert!(step.batch.is_none() && step.trouble.is_some());
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
        let step = current.replied(Reply::Malformed { body: body.into() });
        assert_eq!(position(&step), Some(6));
        assert_eq!(step.batch.unwrap().updates.len(), 2);
    }

    #[test]
    fn bodies_damaged_differently_each_time_are_only_tried_again() {
        let mut current = polling(4);
        for cut in 20..30 {
            let body = &r#"{"ts":"6","updates":[{"a":1},{"b":2},]}"#[..cut];
            let step = current.replied(Reply::Malformed { body: body.into() });
            assert!(step.batch.is_none());
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
    }
}
