//! One instance of the service, step by step.

use std::collections::VecDeque;

use event_fetcher::{
    bus::{Bus, CommitError, Content, DeadLetter, LeaseTerm, Position, StreamEntry},
    converter::{Outcome, Rules, convert},
    enrich::Lookups,
    fetcher::{Batch, State},
    vk::Server,
};

use crate::vk::{Answer, Vk, converse};

/// Batches polled and not yet committed.
const ON_THE_WAY: usize = 3;

/// How a commit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done, and known to be.
    Answered,
    /// It is done, but the answer is lost: it will be sent again.
    AnswerLost,
}

/// What the instance remembers while it lives.
pub(crate) struct Memory {
    term: LeaseTerm,
    session: Option<State>,
    on_the_way: VecDeque<Batch>,
}

pub(crate) struct Instance {
    bus: Bus,
    pub(crate) memory: Option<Memory>,
}

impl Instance {
    pub(crate) fn new(bus: Bus) -> Self {
        Self { bus, memory: None }
    }

    /// Takes the lease, which nobody else must hold, and starts from the committed position.
    pub(crate) async fn start(&mut self) {
        let term = self.bus.acquire().await.unwrap();
        let start = term.position.map(|position| position.ts);
        let session = Some(State::starting_at(start));
        self.memory = Some(Memory { term, session, on_the_way: VecDeque::new() });
    }

    pub(crate) fn poll(&mut self, vk: &Vk, how: Answer) {
        let Some(memory) = &mut self.memory else { return };
        if memory.on_the_way.len() >= ON_THE_WAY {
            return;
        }
        let url = reqwest::Url::parse("https://lp.vk.ru/whp/1").unwrap();
        let server = Server::new(url, "key".into());
        let step = converse(vk, memory.session.take().unwrap(), how, server);
        memory.session = Some(step.state);
        memory.on_the_way.extend(step.batch);
    }

    /// Commits the oldest batch on the way, and returns it if that is done now.
    pub(crate) async fn commit(&mut self, fate: Fate) -> Option<Batch> {
        let memory = self.memory.as_mut()?;
        let batch = memory.on_the_way.front()?.clone();
        let content = content(&batch);
        let mut committer = self.bus.committer(&memory.term);
        match (committer.commit(&content, batch.ts).await, fate) {
            (Ok(_), Fate::Answered) => {
                let generation = memory.term.position.map_or(0, |it| it.generation) + 1;
                memory.term.position = Some(Position { generation, ts: batch.ts });
                memory.on_the_way.pop_front();
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
    let (gaps, updates_lost) = batch.gap.map_or((0, 0), |gap| (1, gap.missed()));
    let mut content = Content { gaps, updates_lost, ..Content::default() };
    for raw in &batch.updates {
        match convert(raw, &Lookups::default(), &Rules::default()) {
            Outcome::Event(event) => content.entries.push(StreamEntry::new(&event, true)),
            Outcome::Unrouted(kind) => *content.skipped.entry(kind).or_default() += 1,
            Outcome::Rejected(rejection) => {
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
