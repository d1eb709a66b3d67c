//! The stages between VK's answer and the commit: parse, look up, complete.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    bus::{Bus, Content, DeadLetter, Unrouted},
    converter::{Lookups, Parsed, PartialEvent, Rules, complete, parse},
    enrich::Enricher,
    fetcher::{Batch, Gap},
    ops::metrics::{Commits, Stage},
    text,
    vk::bounds,
};

/// The code of a dead letter whose type is not routed.
pub(super) const UNROUTED: &str = "unrouted";

/// The limit in bytes for all names in the events of a batch. A batch is committed as a whole; one with more
/// updates than VK can send gets shorter names.
const NAMES_A_BATCH: usize = 16 << 20;
/// The length in bytes that a name keeps, however many updates there are.
const SHORTEST_CUT: usize = 64;

/// Updates whose names are looked up.
pub(super) struct Enriched {
    partials: Vec<PartialEvent>,
    lookups: Lookups,
    /// How long the look-ups took.
    waited: Duration,
    /// The size of VK's answer.
    raw_bytes: usize,
    /// All but the events.
    converted: Converted,
}

/// Updates as they are committed.
#[derive(Debug, Default)]
pub(super) struct Converted {
    /// What the commit writes.
    pub(super) content: Content,
    /// The dates of the messages, in seconds since 1970.
    pub(super) dates: Vec<i64>,
    /// The number of updates of which a part was left out because it exceeds the bounds.
    pub(super) cut: usize,
}

/// Parses a batch and starts its look-ups at once; the future waits for their results.
///
/// Call in VK's order: a chat's new title applies to the batches after it.
pub(super) fn enrich(
    batch: Batch,
    enricher: &Enricher,
    rules: &Rules,
    unrouted: Unrouted,
    metrics: &Commits,
) -> impl Future<Output = Batch<Enriched>> + use<> {
    let started = Instant::now();
    let raw_bytes = batch.bytes();
    let (gaps, updates_lost) =
        (batch.gaps.len() as u64, batch.gaps.iter().map(Gap::updates_lost).sum());
    let batch = batch.map(|updates| {
        let mut converted = Converted::default();
        (converted.content.gaps, converted.content.updates_lost) = (gaps, updates_lost);
        let partials = converted.parse(updates, rules, unrouted);
        (partials, converted)
    });
    metrics.spent_in(Stage::Parse, started.elapsed());
    let started = Instant::now();
    let lookups = enricher.look_up(&batch.updates.0);
    async move {
        let lookups = lookups.await;
        let waited = started.elapsed();
        batch.map(|(partials, converted)| Enriched {
            partials,
            lookups,
            waited,
            raw_bytes,
            converted,
        })
    }
}

impl Converted {
    /// Parses updates, and keeps what is known without a look-up: all but the events.
    fn parse(
        &mut self,
        updates: Vec<Box<str>>,
        rules: &Rules,
        unrouted: Unrouted,
    ) -> Vec<PartialEvent> {
        let Self { content, dates, cut } = self;
        let mut partials = Vec::with_capacity(updates.len());
        for raw in updates {
            match parse(&raw, rules) {
                Parsed::Routed(partial) => {
                    dates.extend(partial.date());
                    *cut += usize::from(partial.is_cut());
                    partials.push(partial);
                }
                Parsed::Rejected(rejection) => {
                    let letter = dead_letter(&rejection.to_string(), rejection.code(), raw);
                    content.dead_letters.push(letter);
                }
                Parsed::Unrouted(kind) => {
                    if unrouted == Unrouted::DeadLetter {
                        let reason = format!("updates of type {kind} are not routed");
                        content.dead_letters.push(dead_letter(&reason, UNROUTED, raw));
                    }
                    *content.skipped.entry(kind).or_default() += 1;
                }
            }
        }
        partials
    }
}

impl Batch<Enriched> {
    /// The memory that its events will need, in bytes; an estimate. Each event has the names of its author
    /// and its peer.
    pub(super) fn bytes(&self) -> usize {
        let Enriched { partials, lookups, raw_bytes, converted, .. } = &self.updates;
        let messages: usize = lookups.messages.values().map(|message| message.get().len()).sum();
        raw_bytes
            + messages
            + converted.content.bytes()
            + partials.len() * 4 * lookups.longest_name()
    }

    /// Makes the events, which need far more memory than partial events and look-ups if names are long.
    pub(super) fn complete(self, rules: &Rules, bus: &Bus, metrics: &Commits) -> Batch<Converted> {
        let started = Instant::now();
        self.map(|mut enriched| {
            enriched.cut_names();
            let Enriched { partials, mut lookups, waited, mut converted, .. } = enriched;
            let unique: Vec<bool> = partials.iter().map(PartialEvent::id_is_unique).collect();
            let events = complete(partials, &mut lookups, rules);
            converted.content.entries =
                events.zip(unique).map(|(event, unique)| bus.entry(&event, unique)).collect();
            metrics.spent_in(Stage::Enrich, waited + started.elapsed());
            converted
        })
    }
}

impl Enriched {
    /// Shortens names so that the events stay within [`NAMES_A_BATCH`].
    fn cut_names(&mut self) {
        let share = NAMES_A_BATCH / self.partials.len().max(1) / 4;
        let limit = share.max(SHORTEST_CUT);
        if limit < bounds::NAME_BYTES {
            self.partials.iter_mut().for_each(|partial| partial.cut_title(limit));
            if self.lookups.longest_name() > limit {
                self.lookups.cut_names(limit);
            }
        }
    }
}

impl Batch<Converted> {
    /// Appends the next batch, to commit both at once.
    pub(super) fn append(&mut self, next: Self) {
        let Self { updates, ts, gaps, received } = next;
        self.updates.content.append(updates.content);
        self.updates.dates.extend(updates.dates);
        self.updates.cut += updates.cut;
        self.ts = ts;
        self.gaps.extend(gaps);
        self.received.extend(received);
    }
}

fn dead_letter(reason: &str, code: &'static str, raw: Box<str>) -> DeadLetter {
    #[derive(Deserialize)]
    struct Identified {
        event_id: Option<String>,
    }

    let identified = serde_json::from_str::<Identified>(&raw).ok();
    let event_id = identified.and_then(|it| it.event_id).filter(|id| !id.is_empty());
    // It may quote the update.
    DeadLetter { reason: text::excerpt(reason), code, event_id, raw }
}
