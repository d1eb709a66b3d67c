//! One batch on its way from VK's words to what is committed.

use std::future::Future;

use serde::Deserialize;
use tokio::time::Instant;

use super::complete;
use crate::{
    bus::{Bus, Content, DeadLetter, Unrouted},
    converter::{Draft, Reading, Rules, read},
    fetcher::{Batch, Gap, Told},
    metrics::{Commits, Stage},
    names::Names,
    ts::Ts,
};

/// The code of a dead letter whose type is not routed.
pub(super) const UNROUTED: &str = "unrouted";

/// A batch, or several in a row, as they are committed.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What goes onto the bus.
    pub(super) content: Content,
    /// The position after it.
    pub(super) ts: Ts,
    /// What VK lost before or between them.
    pub(super) gaps: Vec<Gap>,
    /// When VK told each batch.
    pub(super) told: Vec<Instant>,
    /// The dates of the messages, in seconds since 1970.
    pub(super) dates: Vec<i64>,
}

impl Prepared {
    /// Takes in the batch after this one, so that both are committed at once.
    pub(super) fn append(&mut self, next: Self) {
        self.content.append(next.content);
        self.ts = next.ts;
        self.gaps.extend(next.gaps);
        self.told.extend(next.told);
        self.dates.extend(next.dates);
    }
}

/// Reads a batch and has its names asked for, at once; the future is its commit.
///
/// Call in the order of the batches: a chat's new title holds for those that come after.
pub(super) fn prepare<'a>(
    told: Told,
    names: &'a Names,
    rules: &'a Rules,
    unrouted: Unrouted,
    bus: &'a Bus,
    metrics: &'a Commits,
) -> impl Future<Output = Prepared> + 'a {
    let begun = Instant::now();
    let Told { batch: Batch { updates, ts, gap }, at } = told;
    let (gaps, missed) = gap.map_or((0, 0), |gap| (1, gap.missed()));
    let mut content = Content { gaps, missed, ..Content::default() };
    let mut drafts = Vec::with_capacity(updates.len());
    for raw in updates {
        match read(&raw, rules) {
            Reading::Routed(draft) => drafts.push(draft),
            Reading::Rejected(rejection) => {
                let letter = dead_letter(rejection.to_string(), rejection.code(), raw);
                content.dead_letters.push(letter);
            }
            Reading::Unrouted(kind) => {
                if unrouted == Unrouted::DeadLetter {
                    let reason = format!("updates of type {kind} are not routed");
                    content.dead_letters.push(dead_letter(reason, UNROUTED, raw));
                }
                *content.skipped.entry(kind).or_default() += 1;
            }
        }
    }
    let unique: Vec<bool> = drafts.iter().map(Draft::id_is_unique).collect();
    let dates = drafts.iter().filter_map(Draft::date).collect();
    metrics.spent_in(Stage::Parse, begun.elapsed());
    let begun = Instant::now();
    let events = complete(drafts, names, rules);
    async move {
        let events = events.await;
        content.entries =
            events.iter().zip(unique).map(|(event, unique)| bus.entry(event, unique)).collect();
        metrics.spent_in(Stage::Enrich, begun.elapsed());
        Prepared { content, ts, gaps: Vec::from_iter(gap), told: vec![at], dates }
    }
}

fn dead_letter(reason: String, code: &'static str, raw: Box<str>) -> DeadLetter {
    #[derive(Deserialize)]
    struct Identified {
        event_id: Option<String>,
    }

    let identified = serde_json::from_str::<Identified>(&raw).ok();
    let event_id = identified.and_then(|it| it.event_id).filter(|id| !id.is_empty());
    DeadLetter { reason, code, event_id, raw }
}
