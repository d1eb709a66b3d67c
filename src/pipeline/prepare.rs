//! One batch on its way from VK's words to what is committed.

use std::{future::Future, time::Duration};

use serde::Deserialize;
use tokio::time::Instant;

use super::complete::known;
use crate::{
    bus::{Bus, Content, DeadLetter, Unrouted},
    converter::{PartialEvent, Reading, Rules, complete_each, read},
    enrich::{Enricher, Lookups},
    fetcher::{Batch, Gap, Received},
    ops::metrics::{Commits, Stage},
    ts::Ts,
    vk::bounds,
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
    /// How many updates lost a part to the bounds of what is kept.
    pub(super) cut: usize,
}

impl Prepared {
    /// Takes in the batch after this one, so that both are committed at once.
    pub(super) fn append(&mut self, next: Self) {
        self.content.append(next.content);
        self.ts = next.ts;
        self.gaps.extend(next.gaps);
        self.told.extend(next.told);
        self.dates.extend(next.dates);
        self.cut += next.cut;
    }
}

/// A batch whose names are known, and whose events are still to be made.
pub(super) struct Named {
    prepared: Prepared,
    drafts: Vec<PartialEvent>,
    known: Lookups,
    waited: Duration,
    /// The bytes of VK's answer.
    size: usize,
}

/// Reads a batch and has its names asked for, at once; the future is the batch with its names.
///
/// Call in the order of the batches: a chat's new title holds for those that come after.
pub(super) fn prepare(
    told: Received,
    names: &Enricher,
    rules: &Rules,
    unrouted: Unrouted,
    metrics: &Commits,
) -> impl Future<Output = Named> + use<> {
    let begun = Instant::now();
    let size = told.batch.size();
    let Received { batch: Batch { updates, ts, gap }, at } = told;
    let (gaps, updates_lost) = gap.map_or((0, 0), |gap| (1, gap.missed()));
    let mut content = Content { gaps, updates_lost, ..Content::default() };
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
    let dates = drafts.iter().filter_map(PartialEvent::date).collect();
    let cut = drafts.iter().filter(|draft| draft.is_cut()).count();
    metrics.spent_in(Stage::Parse, begun.elapsed());
    let begun = Instant::now();
    let known = known(&drafts, names);
    async move {
        let known = known.await;
        let gaps = Vec::from_iter(gap);
        let prepared = Prepared { content, ts, gaps, told: vec![at], dates, cut };
        Named { prepared, drafts, known, waited: begun.elapsed(), size }
    }
}

/// The bytes of names that the events of one batch carry together. A batch has to be committed as a whole;
/// one of more updates than VK can send gets shorter names.
const NAMES_A_BATCH: usize = 16 << 20;
/// The bytes of a name that are left to it however many updates there are.
const SHORTEST_CUT: usize = 64;

impl Named {
    /// About how many bytes its events will take: each has the names of its author and its peer.
    pub(super) fn bytes(&self) -> usize {
        let names = 4 * self.known.longest_name();
        self.size + self.prepared.content.bytes() + self.drafts.len() * names
    }

    /// Cuts names so far that the events stay within [`NAMES_A_BATCH`].
    fn cut_names(&mut self) {
        let share = NAMES_A_BATCH / self.drafts.len().max(1) / 4;
        let most = share.max(SHORTEST_CUT);
        if most < bounds::NAME_BYTES {
            self.drafts.iter_mut().for_each(|draft| draft.cut_title(most));
            if self.known.longest_name() > most {
                self.known.cut_names(most);
            }
        }
    }

    /// Makes the events, which take far more memory than what they are made of where a name is long.
    pub(super) fn finish(mut self, rules: &Rules, bus: &Bus, metrics: &Commits) -> Prepared {
        let begun = Instant::now();
        self.cut_names();
        let Self { mut prepared, drafts, mut known, waited, .. } = self;
        let unique: Vec<bool> = drafts.iter().map(PartialEvent::id_is_unique).collect();
        let events = complete_each(drafts, &mut known, rules);
        prepared.content.entries =
            events.zip(unique).map(|(event, unique)| bus.entry(&event, unique)).collect();
        metrics.spent_in(Stage::Enrich, waited + begun.elapsed());
        prepared
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
