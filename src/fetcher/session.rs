//! The Long Poll session as a pure state machine: what is held, and what each answer makes of it.
//!
//! Only five answers move the position: updates with a later `ts`, `failed` 1, `failed` 3, a damaged body
//! that keeps coming back, and the server of the very first start. Everything else keeps it, so that
//! nothing is passed over; a new server in place of a silent one does too. Only `failed` 1 and 3 move it
//! back.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Batch, Gap, GapCause,
    salvage::{before_damage, place, salvage},
};
use crate::{
    ts::Ts,
    vk::{NoAnswer, Reply, Server},
};

/// After so many polls without an answer a new server is asked for: VK may have moved it.
const MISSES: u32 = 5;
/// How often a body damaged in the same place is fetched before what is whole in it is taken.
const DAMAGED_TRIES: u32 = 3;
/// After so many bodies damaged in other places each time, the whole updates before the damage are taken.
const CUT_TRIES: u32 = 10;
/// The most updates that are remembered at a position that does not move.
const MOST_REMEMBERED: usize = 100_000;

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
    /// `failed` 1 so many times without another answer between.
    resets: u32,
    /// Fingerprints of the updates that came without moving the position, and were handed on.
    handed_on: HashSet<u64>,
    /// Where VK's queue is, though polls from `ts` return nothing.
    unseen: Option<Ts>,
}

/// Damaged bodies at one position.
#[derive(Debug, Clone, Copy)]
struct Damage {
    /// Where the latest is damaged.
    place: u64,
    /// How many were damaged there, in a row.
    there: u32,
    /// How many there were.
    bodies: u32,
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
        Step { state: State::Polling(Polling::new(server, ts)), batch, trouble: None }
    }
}

impl Polling {
    fn new(server: Server, ts: Ts) -> Self {
        let handed_on = HashSet::new();
        Self { server, ts, misses: 0, damage: None, resets: 0, handed_on, unseen: None }
    }

    /// The server answered, or did not.
    #[must_use]
    pub fn replied(self, reply: Reply) -> Step {
        match reply {
            Reply::Updates { ts, updates } => self.answered(ts, updates),
            Reply::Outdated { ts } => self.outdated(ts),
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

    /// A poll returned nothing new though VK's newest position had been `newest` before it ended. If that
    /// lies ahead, this session is silent: `server` is polled from now on, from the same position.
    /// Returns whether it is.
    #[must_use]
    pub fn checked(self, server: Server, newest: Ts) -> (Self, bool) {
        if newest > self.ts {
            return (Self { server, misses: 0, unseen: Some(newest), ..self }, true);
        }
        (Self { unseen: None, ..self }, false)
    }

    fn answered(self, ts: Ts, updates: Vec<Box<str>>) -> Step {
        if ts < self.ts {
            let problem = format!("it answers with ts {ts}, which lies before {}", self.ts);
            return Connecting::From(self.ts).step(Some(problem.into()));
        }
        if ts > self.ts {
            return self.advance(Batch::new(updates, ts));
        }
        if updates.is_empty() {
            return self.stay();
        }
        self.unmoved(updates)
    }

    /// VK has nothing new.
    fn stay(self) -> Step {
        let trouble = self.unseen.map(|newest| {
            format!("its queue is at ts {newest}, but polls from {} return nothing", self.ts).into()
        });
        State::Polling(Self { misses: 0, damage: None, resets: 0, ..self }).step(trouble)
    }

    /// Updates came, but the position stays: those that have come before are not handed on again.
    fn unmoved(mut self, updates: Vec<Box<str>>) -> Step {
        let number = updates.len();
        let (mut new, mut fingerprints) = (Vec::new(), Vec::new());
        for update in updates {
            let mut hasher = DefaultHasher::new();
            update.hash(&mut hasher);
            let fingerprint = hasher.finish();
            if !self.handed_on.contains(&fingerprint) {
                fingerprints.push(fingerprint);
                new.push(update);
            }
        }
        let is_full = self.handed_on.len() + new.len() > MOST_REMEMBERED;
        if !is_full {
            self.handed_on.extend(fingerprints);
        }
        let trouble = (new.is_empty() || is_full).then(|| {
            let ts = self.ts;
            format!("it answers with {number} updates again, and its ts stays at {ts}").into()
        });
        let batch = (!new.is_empty()).then_some(Batch::new(new, self.ts));
        let state = State::Polling(Self { misses: 0, damage: None, resets: 0, ..self });
        Step { state, batch, trouble }
    }

    fn outdated(self, ts: Ts) -> Step {
        let gap = Gap { from: self.ts, to: ts, cause: GapCause::Outdated };
        let resets = self.resets.saturating_add(1);
        let mut step = self.advance(Batch::position_only(ts, Some(gap)));
        if let State::Polling(polling) = &mut step.state {
            polling.resets = resets;
        }
        if resets > 1 {
            step.trouble = Some("it reports lost updates (failed 1) again and again".into());
        }
        step
    }

    fn damaged(self, body: &str) -> Step {
        let place = place(body);
        let damage = match self.damage {
            Some(last) if last.place == place => Damage { there: last.there + 1, ..last },
            Some(last) => Damage { place, there: 1, ..last },
            None => Damage { place, there: 1, bodies: 0 },
        };
        let damage = Damage { bodies: damage.bodies + 1, ..damage };
        let trouble =
            || NoAnswer::from(format!("a body of {} bytes that is not whole JSON", body.len()));
        if damage.there >= DAMAGED_TRIES {
            return match salvage(body, self.ts) {
                Some(Batch { updates, ts, .. }) => self.answered(ts, updates),
                None => Connecting::From(self.ts).step(Some(trouble())),
            };
        }
        if damage.bodies >= CUT_TRIES
            && let Some(batch) = before_damage(body, self.ts)
        {
            return self.advance(batch);
        }
        State::Polling(Self { damage: Some(damage), ..self }).step(Some(trouble()))
    }

    fn advance(self, batch: Batch) -> Step {
        let state = State::Polling(Self::new(self.server, batch.ts));
        Step { state, batch: Some(batch), trouble: None }
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

    fn polling(ts: u32) -> Polling {
        Polling::new(server(), Ts::from(ts))
    }

    fn position(step: &Step) -> Option<u64> {
        match &step.state {
            State::Polling(polling) => Some(polling.ts.get()),
            State::Connecting(Connecting::From(ts) | Connecting::LostAfter(ts)) => Some(ts.get()),
            State::Connecting(Connecting::Fresh) => None,
        }
    }

    #[test]
    fn a_resumed_session_keeps_its_own_position_with_a_new_key() {
        let step = Connecting::From(Ts::from(7)).granted(server(), Ts::from(99));
        assert_eq!(position(&step), Some(7));
        assert!(step.batch.is_none());
    }

    #[test]
    fn a_first_start_takes_the_servers_position_and_commits_it() {
        let step = Connecting::Fresh.granted(server(), Ts::from(99));
        assert_eq!(step.batch, Some(Batch::position_only(Ts::from(99), None)));
    }

    #[test]
    fn updates_move_the_position_to_the_replys() {
        let updates = vec!["{}".into()];
        let step = polling(4).replied(Reply::Updates { ts: Ts::from(5), updates: updates.clone() });
        assert_eq!(position(&step), Some(5));
        assert_eq!(step.batch, Some(Batch::new(updates, Ts::from(5))));
    }

    #[test]
    fn an_empty_answer_hands_on_nothing() {
        let step = polling(4).replied(Reply::Updates { ts: Ts::from(4), updates: vec![] });
        assert!(step.batch.is_none() && step.trouble.is_none());
    }

    #[test]
    fn failed_1_goes_on_from_the_replys_position_with_a_gap() {
        let step = polling(4).replied(Reply::Outdated { ts: Ts::from(9) });
        assert!(matches!(step.state, State::Polling(_)));
        let gap = step.batch.unwrap().gaps[0];
        assert_eq!((gap.from, gap.to, gap.missed()), (Ts::from(4), Ts::from(9), 5));
    }

    #[test]
    fn failed_2_keeps_the_position_and_asks_for_a_key() {
        let step = polling(4).replied(Reply::KeyExpired);
        assert!(matches!(step.state, State::Connecting(Connecting::From(at)) if at == Ts::from(4)));
        assert!(step.batch.is_none());
    }

    #[test]
    fn failed_3_takes_the_new_position_with_a_gap() {
        let step = polling(4).replied(Reply::Lost);
        let State::Connecting(connecting) = step.state else { panic!("asks for a server") };
        let step = connecting.granted(server(), Ts::from(2));
        assert_eq!(position(&step), Some(2));
        assert_eq!(step.batch.unwrap().gaps[0].from, Ts::from(4));
    }

    #[test]
    fn an_unknown_answer_pauses_then_asks_for_a_server_and_keeps_the_position() {
        let step = polling(4).replied(Reply::Unknown { what: "failed 7".into() });
        assert!(matches!(step.state, State::Connecting(Connecting::From(at)) if at == Ts::from(4)));
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
        assert!(matches!(step.state, State::Connecting(Connecting::From(at)) if at == Ts::from(4)));
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
        for cut in 20..29 {
            let body = &r#"{"ts":"6","updates":[{"a":1},{"b":2},]}"#[..cut];
            let step = current.replied(Reply::Malformed { body: body.into() });
            assert!(step.batch.is_none());
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
    }

    #[test]
    fn of_bodies_cut_elsewhere_each_time_the_whole_updates_are_taken_in_the_end() {
        let whole = r#"{"ts":"7","updates":[{"a":1},{"b":2},{"c":"a long text"}]}"#;
        let mut current = polling(4);
        for cut in 1..CUT_TRIES as usize {
            let body = &whole[..38 + cut];
            let step = current.replied(Reply::Malformed { body: body.into() });
            assert!(step.batch.is_none() && step.trouble.is_some(), "{body}");
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
        let step = current.replied(Reply::Malformed { body: whole[..38].into() });
        assert_eq!(position(&step), Some(6), "what was cut is still to be fetched");
        assert_eq!(step.batch.unwrap().updates.len(), 2);
    }

    #[test]
    fn a_growing_body_damaged_in_the_same_update_is_taken_apart_after_a_few_tries() {
        let damaged = r#"{"type":"message_new","event_id":"0123456789","object":{"text":oops}}"#;
        let mut current = polling(4);
        for updates in 1.. {
            let behind = r#",{"a":1}"#.repeat(updates);
            let body = format!(r#"{{"ts":"{}","updates":[{damaged}{behind}]}}"#, 5 + updates);
            let step = current.replied(Reply::Malformed { body: body.into() });
            if let Some(batch) = step.batch {
                assert_eq!((updates, batch.updates.len()), (DAMAGED_TRIES as usize, 1 + updates));
                assert_eq!(batch.ts, Ts::from(4).after(1 + updates));
                return;
            }
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
    }

    #[test]
    fn an_ordinary_answer_does_not_take_the_position_back() {
        for updates in [vec![], vec!["{}".into()]] {
            let step = polling(4).replied(Reply::Updates { ts: Ts::from(3), updates });
            assert!(
                matches!(step.state, State::Connecting(Connecting::From(at)) if at == Ts::from(4))
            );
            assert!(step.batch.is_none() && step.trouble.is_some());
        }
        assert_eq!(position(&polling(4).replied(Reply::Outdated { ts: Ts::from(3) })), Some(3));
    }

    #[test]
    fn updates_that_leave_the_position_are_handed_on_once() {
        let reply = |updates: &[&str]| Reply::Updates {
            ts: Ts::from(4),
            updates: updates.iter().map(|&it| it.into()).collect(),
        };
        let mut current = polling(4);
        for (answer, new) in
            [(vec!["a", "a"], 2), (vec!["a"], 0), (vec!["b", "a"], 1), (vec!["b", "a"], 0)]
        {
            let step = current.replied(reply(&answer));
            assert_eq!(position(&step), Some(4));
            assert_eq!(step.trouble.is_some(), new == 0, "{answer:?}");
            assert_eq!(step.batch.map_or(0, |batch| batch.updates.len()), new, "{answer:?}");
            let State::Polling(next) = step.state else { panic!("keeps the server") };
            current = next;
        }
        // Another position, and they are new.
        let step = current.replied(Reply::Updates { ts: Ts::from(5), updates: vec!["a".into()] });
        assert!(step.trouble.is_none() && step.batch.is_some());
    }

    #[test]
    fn lost_updates_reported_again_and_again_are_trouble() {
        let step = polling(4).replied(Reply::Outdated { ts: Ts::from(9) });
        assert!(step.trouble.is_none());
        let State::Polling(next) = step.state else { panic!("keeps the server") };
        let step = next.replied(Reply::Outdated { ts: Ts::from(4) });
        assert!(step.trouble.is_some() && step.batch.is_some());
        let State::Polling(next) = step.state else { panic!("keeps the server") };
        let step = next.replied(Reply::Updates { ts: Ts::from(4), updates: vec![] });
        assert!(step.trouble.is_none());
    }

    #[test]
    fn a_silent_session_is_in_trouble_until_the_position_moves() {
        let quiet = || Reply::Updates { ts: Ts::from(4), updates: vec![] };
        let (current, is_silent) = polling(4).checked(server(), Ts::from(4));
        assert!(!is_silent);
        let (current, is_silent) = current.checked(server(), Ts::from(9));
        assert!(is_silent);
        let step = current.replied(quiet());
        assert_eq!((position(&step), step.batch.is_none()), (Some(4), true));
        assert!(step.trouble.unwrap().reason.contains("its queue is at ts 9"));
        let State::Polling(current) = step.state else { panic!("keeps the server") };
        let step = current.replied(Reply::Updates { ts: Ts::from(9), updates: vec!["a".into()] });
        let State::Polling(current) = step.state else { panic!("keeps the server") };
        let step = current.replied(Reply::Updates { ts: Ts::from(9), updates: vec![] });
        assert!(step.trouble.is_none());
    }
}
