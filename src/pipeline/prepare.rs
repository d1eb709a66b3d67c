//! One batch on its way from VK's words to what is committed.

use std::future::Future;

use serde::Deserialize;

use super::complete;
use crate::{
    bus::{Bus, Content, DeadLetter},
    config::Unrouted,
    converter::{Draft, Reading, Rules, read},
    fetcher::Batch,
    names::Names,
    ts::Ts,
};

/// Reads a batch and has its names asked for, at once; the future is the content of its commit.
///
/// Call in the order of the batches: a chat's new title holds for those that come after.
pub(super) fn prepare<'a>(
    batch: Batch,
    names: &'a Names,
    rules: &'a Rules,
    unrouted: Unrouted,
    bus: &'a Bus,
) -> impl Future<Output = (Content, Ts)> + 'a {
    let Batch { updates, ts, gap } = batch;
    let mut content = Content { missed: gap.map(|gap| gap.missed()), ..Content::default() };
    let mut drafts = Vec::with_capacity(updates.len());
    for raw in updates {
        match read(&raw, rules) {
            Reading::Routed(draft) => drafts.push(draft),
            Reading::Rejected(rejection) => {
                content.dead_letters.push(dead_letter(rejection.to_string(), raw));
            }
            Reading::Unrouted(kind) => {
                if unrouted == Unrouted::DeadLetter {
                    let reason = format!("updates of type {kind} are not routed");
                    content.dead_letters.push(dead_letter(reason, raw));
                }
                *content.skipped.entry(kind).or_default() += 1;
            }
        }
    }
    if let Some(gap) = gap {
        tracing::error!(from = %gap.from, to = %gap.to, missed = gap.missed(), cause = ?gap.cause,
            "VK lost updates: events between these positions may be missing");
    }
    let unique: Vec<bool> = drafts.iter().map(Draft::id_is_unique).collect();
    let events = complete(drafts, names, rules);
    async move {
        let events = events.await;
        content.entries =
            events.iter().zip(unique).map(|(event, unique)| bus.entry(event, unique)).collect();
        (content, ts)
    }
}

fn dead_letter(reason: String, raw: Box<str>) -> DeadLetter {
    #[derive(Deserialize)]
    struct Identified {
        event_id: Option<String>,
    }

    let identified = serde_json::from_str::<Identified>(&raw).ok();
    let event_id = identified.and_then(|it| it.event_id).filter(|id| !id.is_empty());
    DeadLetter { reason, event_id, raw }
}
