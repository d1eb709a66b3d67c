//! What went onto the bus, and how long it took.

use std::{collections::BTreeMap, fmt, time::Duration};

use prometheus_client::{
    metrics::counter::Counter,
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use super::{CommitOutcome, DeadLetterCode, Each, Histogram, Label, Stage, UpdateType, now};
use crate::{bus::Content, event::EventType};

/// What went onto the bus.
#[derive(Debug, Clone, Default)]
pub struct Commits {
    /// Events, by type.
    pub events: Each<EventType, Counter>,
    /// Updates that could not become events, by the reason.
    pub dead_letters: Each<DeadLetterCode, Counter>,
    /// Updates that are no events, by type.
    pub skipped: Each<UpdateType, Counter>,
    /// Events that VK had sent before, dropped.
    pub repeats: Counter,
    /// How often VK lost updates.
    pub gaps: Counter,
    /// How many updates VK lost, by its positions.
    pub missed: Counter,
    /// What Redis made of the commits sent to it.
    pub outcomes: Each<CommitOutcome, Counter>,
    /// How often Redis did not serve a script that concerns the lease.
    pub lease_retries: Counter,
    /// From VK's answer to its commit, one a batch.
    pub latency: Histogram,
    /// From a message's date to its commit, one a message.
    pub age: Histogram,
    /// The parts of a batch's way, one a batch; the last of them one a commit.
    pub stages: Each<Stage, Histogram>,
}

/// Batches in a row that are on the bus now.
#[derive(Debug)]
pub struct Committed<'a> {
    /// What they put there.
    pub content: &'a Content,
    /// How many of their events were repeats and dropped.
    pub repeats: u64,
    /// When VK told each batch, the oldest first.
    pub told: &'a [Instant],
    /// The dates of their messages, in seconds since 1970.
    pub dates: &'a [i64],
}

impl Commits {
    pub(super) fn add(&self, batch: &Committed<'_>) {
        let Committed { content, repeats, told, dates } = *batch;
        for kind in EventType::ALL {
            let number = content.entries.iter().filter(|entry| entry.kind == kind).count();
            self.events.of(kind).inc_by(number as u64);
        }
        for letter in &content.dead_letters {
            self.dead_letters.of(DeadLetterCode::of(letter.code)).inc();
        }
        for (kind, number) in &content.skipped {
            self.skipped.of(UpdateType::of(kind)).inc_by(*number);
        }
        self.repeats.inc_by(repeats);
        self.gaps.inc_by(content.gaps);
        self.missed.inc_by(content.missed);
        for told in told {
            self.latency.observe(told.elapsed());
        }
        let now = now();
        for &date in dates {
            let date = Duration::from_secs(u64::try_from(date).unwrap_or_default());
            self.age.observe(now.saturating_sub(date));
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "events",
            "Events committed, repeats among them, by type",
            self.events.clone(),
        );
        registry.register(
            "dead_letters",
            "Updates that could not become events, by the reason",
            self.dead_letters.clone(),
        );
        registry.register(
            "updates_skipped",
            "Updates of types that do not become events, by type",
            self.skipped.clone(),
        );
        registry.register(
            "repeats_dropped",
            "Events and dead letters that VK had sent before",
            self.repeats.clone(),
        );
        registry.register("gaps", "How often VK lost updates", self.gaps.clone());
        registry.register(
            "updates_missed",
            "Updates that VK lost, by its positions: an estimate",
            self.missed.clone(),
        );
        registry.register("commits", "Commits, by what Redis made of them", self.outcomes.clone());
        registry.register(
            "lease_retries",
            "How often Redis did not serve the taking or renewal of the lease",
            self.lease_retries.clone(),
        );
        registry.register_with_unit(
            "commit_latency",
            "The time from VK's answer to the commit of all that is in it, one a batch",
            Unit::Seconds,
            self.latency.clone(),
        );
        registry.register_with_unit(
            "message_age",
            "The time from a message's date, in whole seconds by VK's clock, to its commit",
            Unit::Seconds,
            self.age.clone(),
        );
        registry.register_with_unit(
            "stage_duration",
            "The time that the parts of a batch's way took, one a batch; of the commit one for all batches in it",
            Unit::Seconds,
            self.stages.clone(),
        );
    }
}

impl fmt::Display for Commits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dead_letters: u64 = self.dead_letters.iter().map(|(_, number)| number.get()).sum();
        write!(
            f,
            "events {:?}, dead letters {dead_letters}, not routed {:?}, repeats dropped {}, gaps {}",
            counted(&self.events),
            counted(&self.skipped),
            self.repeats.get(),
            self.gaps.get()
        )
    }
}

/// What was counted at all, by the label's word.
fn counted<L: Label>(numbers: &Each<L, Counter>) -> BTreeMap<&'static str, u64> {
    let numbers = numbers.iter().map(|(label, number)| (label.pairs()[0].1, number.get()));
    numbers.filter(|(_, number)| *number > 0).collect()
}
