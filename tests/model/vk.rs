//! VK as the model plays it: a queue that can be trimmed, reset and made to repeat itself.

use event_fetcher::{fetcher::SessionState, ts::Ts, vk::PollReply};
use serde_json::json;

/// What an update is made to become.
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
    /// None, though there are some.
    EarlyEmpty,
    /// `failed: 2`.
    KeyExpired,
    /// An error page, a time-out, a reset.
    Nothing,
    /// JSON that is no answer.
    Unknown,
}

/// An update by its number in the order of time, with its event's id.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) kind: Kind,
    /// A repeat has the id of what it repeats.
    pub(crate) id: usize,
}

/// The queue. Positions of one era count on from its base; a reset begins a new era.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vk {
    pub(crate) updates: Vec<Update>,
    eras: Vec<Era>,
    /// Updates before this number are no longer served.
    kept_from: usize,
}

#[derive(Debug, Clone, Copy)]
struct Era {
    base: u64,
    /// How many updates there had been when it began.
    began: usize,
}

const ERA: u64 = 1_000_000;

impl Vk {
    pub(crate) fn new() -> Self {
        Self { eras: vec![Era { base: ERA, began: 0 }], ..Self::default() }
    }

    pub(crate) fn push(&mut self, kind: Kind) {
        let id = self.updates.len();
        self.updates.push(Update { kind, id });
    }

    pub(crate) fn repeat(&mut self, number: usize) {
        let repeated = self.updates[number % self.updates.len()].clone();
        self.updates.push(repeated);
    }

    /// Forgets the older half of what it keeps.
    pub(crate) fn trim(&mut self) {
        self.kept_from += (self.updates.len() - self.kept_from) / 2;
    }

    /// Loses everything and counts anew.
    pub(crate) fn reset(&mut self) {
        let base = ERA * (self.eras.len() as u64 + 1);
        self.eras.push(Era { base, began: self.updates.len() });
        self.kept_from = self.updates.len();
    }

    fn era(&self) -> Era {
        self.eras[self.eras.len() - 1]
    }

    pub(crate) fn newest(&self) -> Ts {
        let era = self.era();
        Ts::try_from(era.base + (self.updates.len() - era.began) as u64).unwrap()
    }

    /// How many updates there had been up to a position of any era.
    pub(crate) fn number(&self, ts: Ts) -> usize {
        let era = self.eras[usize::try_from(ts.get() / ERA).unwrap() - 1];
        era.began + usize::try_from(ts.get() - era.base).unwrap()
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

    /// The update as VK writes it. Its text is its id, to be recognised on the bus.
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

/// The session asks for a server or polls one; either way VK says something.
pub(crate) fn converse(
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
