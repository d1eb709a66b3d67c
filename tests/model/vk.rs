//! The model of VK: a queue of updates that can be trimmed, reset and made to send duplicates.

use event_fetcher::{fetcher::SessionState, ts::Ts, vk::PollReply};
use serde_json::json;

/// What an update is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Command,
    Unrouted,
    Broken,
}

/// How VK answers a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Up to so many updates.
    Updates(usize),
    /// Updates, in a body with a comma too many.
    Damaged(usize),
    /// None, although there are some.
    EarlyEmpty,
    /// `failed: 2`.
    KeyExpired,
    /// None: an error page, a timeout, a reset.
    Nothing,
    /// JSON that is no valid reply.
    Unknown,
}

/// An update; its index in the queue is its number.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) kind: Kind,
    /// The event's id. A duplicate has the id of the original.
    pub(crate) id: usize,
}

/// The queue. A reset starts a new era, whose positions count from a base of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vk {
    pub(crate) updates: Vec<Update>,
    eras: Vec<Era>,
    /// Updates before this number were dropped.
    kept_from: usize,
}

#[derive(Debug, Clone, Copy)]
struct Era {
    base: u64,
    /// The number of updates when the era started.
    first_update: usize,
}

const ERA: u64 = 1_000_000;

impl Vk {
    pub(crate) fn new() -> Self {
        Self { eras: vec![Era { base: ERA, first_update: 0 }], ..Self::default() }
    }

    pub(crate) fn push(&mut self, kind: Kind) {
        let id = self.updates.len();
        self.updates.push(Update { kind, id });
    }

    pub(crate) fn duplicate(&mut self, number: usize) {
        let duplicate = self.updates[number % self.updates.len()].clone();
        self.updates.push(duplicate);
    }

    /// Drops the older half of the kept updates.
    pub(crate) fn trim(&mut self) {
        self.kept_from += (self.updates.len() - self.kept_from) / 2;
    }

    /// Drops all updates and starts a new era.
    pub(crate) fn reset(&mut self) {
        let base = ERA * (self.eras.len() as u64 + 1);
        self.eras.push(Era { base, first_update: self.updates.len() });
        self.kept_from = self.updates.len();
    }

    fn era(&self) -> Era {
        self.eras[self.eras.len() - 1]
    }

    pub(crate) fn newest(&self) -> Ts {
        let era = self.era();
        Ts::try_from(era.base + (self.updates.len() - era.first_update) as u64).unwrap()
    }

    /// The number of updates before a position of any era.
    pub(crate) fn number(&self, ts: Ts) -> usize {
        let era = self.eras[usize::try_from(ts.get() / ERA).unwrap() - 1];
        era.first_update + usize::try_from(ts.get() - era.base).unwrap()
    }

    pub(crate) fn answer(&self, how: Answer, from: Ts) -> PollReply {
        let era = self.era();
        match how {
            Answer::KeyExpired => return PollReply::KeyExpired,
            Answer::Nothing => return PollReply::Unreachable { reason: "no answer".into() },
            Answer::Unknown => return PollReply::Unknown { what: "{}".into() },
            Answer::Updates(_) | Answer::Damaged(_) | Answer::EarlyEmpty => {}
        }
        if from.get() < era.base {
            return PollReply::Lost;
        }
        let start = self.number(from);
        if start < self.kept_from {
            return PollReply::Outdated { ts: self.newest() };
        }
        let (Answer::Updates(most) | Answer::Damaged(most)) = how else {
            return PollReply::Updates { ts: from, updates: vec![] };
        };
        let end = self.updates.len().min(start + most);
        let updates: Vec<Box<str>> = (start..end).map(|number| self.raw(number)).collect();
        let ts = from.after(end - start);
        if matches!(how, Answer::Damaged(_)) && !updates.is_empty() {
            let body = format!(r#"{{"ts":"{ts}","updates":[{},]}}"#, updates.join(","));
            return PollReply::Malformed { body: body.into() };
        }
        PollReply::Updates { ts, updates }
    }

    /// The update's JSON. Its text is its id, by which it is found on the bus.
    pub(crate) fn raw(&self, number: usize) -> Box<str> {
        let Update { kind, id } = self.updates[number];
        let text = match kind {
            Kind::Command => format!("/{id}"),
            _ => id.to_string(),
        };
        let event_id = format!("{id:040x}");
        let update = match kind {
            Kind::Message | Kind::Command => json!({
                "type": "message_new", "event_id": event_id, "object": {"message": {
                    "peer_id": 2_000_000_001_i64, "from_id": 1, "conversation_message_id": id + 1,
                    "text": text
                }}
            }),
            Kind::Unrouted => json!({"type": "group_join", "event_id": event_id, "object": {}}),
            Kind::Broken => json!({"type": "message_new", "event_id": event_id, "object": null}),
        };
        update.to_string().into()
    }
}

/// Replies to the session's request: for a server, or a poll.
pub(crate) fn reply_to(
    vk: &Vk,
    state: SessionState,
    how: Answer,
    server: event_fetcher::vk::LongPollServer,
) -> event_fetcher::fetcher::Step {
    match state {
        SessionState::Connecting(connecting) => connecting.granted(server, vk.newest()),
        SessionState::Polling(polling) => {
            let reply = vk.answer(how, polling.ts);
            polling.replied(reply)
        }
    }
}
