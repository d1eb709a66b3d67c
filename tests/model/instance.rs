//! One instance of the service, run step by step.

use std::collections::VecDeque;

use event_fetcher::{
    bus::{Bus, CommitError, Content, DeadLetter, LeaseTerm, Position, StreamEntry},
    converter::{Lookups, Parsed, Rules, complete, parse},
    fetcher::{Batch, Gap, SessionState},
    vk::LongPollServer,
};

use crate::vk::{Answer, Vk, reply_to};

/// The most batches polled and not yet committed.
const MAX_IN_FLIGHT: usize = 3;

/// The outcome of a commit, as the instance sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is applied, and the reply arrives.
    Answered,
    /// It is applied, but the reply is lost: the instance retries it.
    AnswerLost,
}

/// The state that a crash loses.
pub(crate) struct Memory {
    term: LeaseTerm,
    session: Option<SessionState>,
    in_flight: VecDeque<Batch>,
}

pub(crate) struct Instance {
    bus: Bus,
    pub(crate) memory: Option<Memory>,
}

impl Instance {
    pub(crate) fn new(bus: Bus) -> Self {
        Self { bus, memory: None }
    }

    /// Acquires the lease, which must be free, and starts from the committed position.
    pub(crate) async fn start(&mut self) {
        let term = self.bus.acquire().await.unwrap();
        let start = term.position.map(|position| position.ts);
        let session = Some(SessionState::starting_at(start));
        self.memory = Some(Memory { term, session, in_flight: VecDeque::new() });
    }

    pub(crate) fn poll(&mut self, vk: &Vk, how: Answer) {
        let Some(memory) = &mut self.memory else { return };
        if memory.in_flight.len() >= MAX_IN_FLIGHT {
            return;
        }
        let url = reqwest::Url::parse("https://lp.vk.ru/whp/1").unwrap();
        let server = LongPollServer::new(url, "key".into());
        let step = reply_to(vk, memory.session.take().unwrap(), how, server);
        memory.session = Some(step.state);
        memory.in_flight.extend(step.batch);
    }

    /// Commits the oldest batch in flight, and returns it if the commit was applied.
    pub(crate) async fn commit(&mut self, fate: Fate) -> Option<Batch> {
        let memory = self.memory.as_mut()?;
        let batch = memory.in_flight.front()?.clone();
        let mut content = content(&batch);
        let mut committer = self.bus.committer(&memory.term);
        match (committer.commit(&mut content, batch.ts).await, fate) {
            (Ok(_), Fate::Answered) => {
                let generation = memory.term.position.map_or(0, |it| it.generation) + 1;
                memory.term.position = Some(Position { generation, ts: batch.ts });
                memory.in_flight.pop_front();
                Some(batch)
            }
            (Ok(_), Fate::AnswerLost) => Some(batch),
            (Err(CommitError::Fenced | CommitError::RolledBack(_)), _) => {
                self.memory = None;
                None
            }
            (Err(other), _) => panic!("{other}"),
        }
    }
}

fn content(batch: &Batch) -> Content {
    let updates_lost = batch.gaps.iter().map(Gap::updates_lost).sum();
    let mut content = Content { gaps: batch.gaps.len() as u64, updates_lost, ..Content::default() };
    let rules = Rules::default();
    for raw in &batch.updates {
        match parse(raw, &rules) {
            Parsed::Routed(partial) => {
                let mut lookups = Lookups::default();
                let events = complete([partial], &mut lookups, &rules);
                content.entries.extend(events.map(|event| StreamEntry::new(&event, true)));
            }
            Parsed::Unrouted(kind) => *content.skipped.entry(kind).or_default() += 1,
            Parsed::Rejected(rejection) => {
                let update: serde_json::Value = serde_json::from_str(raw).unwrap();
                content.dead_letters.push(DeadLetter {
                    reason: rejection.to_string(),
                    code: rejection.code(),
                    event_id: update["event_id"].as_str().map(str::to_owned),
                    raw: raw.clone(),
                });
            }
        }
    }
    content
}
