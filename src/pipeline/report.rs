//! Reports each commit to the log, the metrics and the history of the last hour.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{Converted, convert::UNROUTED};
use crate::{
    bus::DeadLetter,
    event::EventType,
    fetcher::Batch,
    ops::{
        metrics::{DeadLetterLabels, Metrics, Stage, TypeLabels, update_type},
        retry::Outage,
        status::{Committed, History},
    },
    text,
    ts::Ts,
};

/// Reports commits, and sums them for the last log line.
pub(super) struct CommitReport<'a> {
    /// The last committed position.
    pub(super) committed: Option<Ts>,
    totals: Totals,
    /// Commits with updates of which a part was left out.
    cut: Outage,
    dead_letters: Outage,
    metrics: &'a Metrics,
    history: &'a History,
}

/// Sums of all commits of this process.
#[derive(Debug, Default)]
pub(super) struct Totals {
    events: BTreeMap<&'static str, u64>,
    dead_letters: u64,
    skipped: BTreeMap<&'static str, u64>,
    duplicates: u64,
    gaps: u64,
}

impl<'a> CommitReport<'a> {
    pub(super) fn new(metrics: &'a Metrics, history: &'a History) -> Self {
        Self {
            committed: None,
            totals: Totals::default(),
            cut: Outage::default(),
            dead_letters: Outage::default(),
            metrics,
            history,
        }
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Reports a batch that is on the bus; the commit took `took`.
    pub(super) fn committed(&mut self, batch: &Batch<Converted>, duplicates: u64, took: Duration) {
        self.committed = Some(batch.ts);
        self.log(batch);
        self.count(batch, duplicates, took);
    }

    fn log(&mut self, batch: &Batch<Converted>) {
        let Batch { updates: Converted { content, cut, .. }, gaps, .. } = batch;
        for gap in gaps {
            let updates_lost = gap.updates_lost();
            tracing::error!(
                from = %gap.from, to = %gap.to, updates_lost, cause = %gap.cause,
                "VK lost updates: events between these positions may be missing"
            );
        }
        for entry in &content.entries {
            tracing::debug!(
                event_id = text::excerpt(&entry.event_id), event_type = %entry.kind,
                "event committed"
            );
        }
        if *cut > 0 && self.cut.fail().is_some() {
            tracing::warn!(
                updates = cut,
                "updates have more attachments, more forwarded messages or a longer title than VK \
                 allows; what is beyond ten times that was left out"
            );
        }
        for DeadLetter { event_id, reason, .. } in &content.dead_letters {
            self.totals.dead_letters += 1;
            if let Some(so_far) = self.dead_letters.fail() {
                let event_id = event_id.as_deref().map(text::excerpt);
                tracing::warn!(event_id, reason, so_far, "an update is kept as a dead letter");
            }
        }
    }

    fn count(&mut self, batch: &Batch<Converted>, duplicates: u64, took: Duration) {
        let Batch { updates: Converted { content, dates, .. }, ts, received, .. } = batch;
        let (gaps, updates_lost) = (content.gaps, content.updates_lost);
        let events = EventType::ALL
            .map(|kind| content.entries.iter().filter(|entry| entry.kind == kind).count() as u64);
        let (metrics, totals) = (&self.metrics.commits, &mut self.totals);
        for (kind, number) in EventType::ALL.into_iter().zip(events) {
            let labels = TypeLabels { r#type: kind.as_str() };
            metrics.events.get_or_create(&labels).inc_by(number);
            if number > 0 {
                *totals.events.entry(labels.r#type).or_default() += number;
            }
        }
        for letter in &content.dead_letters {
            metrics.dead_letters.get_or_create(&DeadLetterLabels { reason: letter.code }).inc();
        }
        for (kind, number) in &content.skipped {
            let labels = TypeLabels { r#type: update_type(kind) };
            metrics.updates_skipped.get_or_create(&labels).inc_by(*number);
            *totals.skipped.entry(labels.r#type).or_default() += number;
        }
        metrics.duplicates_dropped.inc_by(duplicates);
        metrics.gaps.inc_by(gaps);
        metrics.updates_lost.inc_by(updates_lost);
        totals.duplicates += duplicates;
        totals.gaps += gaps;
        metrics.spent_in(Stage::Commit, took);
        for answered in received {
            metrics.latency.observe(answered.elapsed().as_secs_f64());
        }
        metrics.messages(dates);
        if let Some(newest) = received.last() {
            self.metrics.fetching.committed(ts.get(), newest.elapsed());
        }
        let rejected = content.dead_letters.iter().filter(|letter| letter.code != UNROUTED);
        let dead_letters: Vec<_> = rejected.map(|letter| letter.reason.as_str()).collect();
        let dead_letters = &dead_letters;
        self.history.committed(&Committed { events, dead_letters, received, gaps, updates_lost });
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, dead_letters, skipped, duplicates, gaps } = self;
        let (events, skipped) = (ByType(events), ByType(skipped));
        write!(
            f,
            "events {events}, updates not routed {skipped}, dead letters {dead_letters}, \
             duplicates dropped {duplicates}, gaps {gaps}"
        )
    }
}

/// The sum of some counts, and the count of each type: `3 (command 1, message 2)`.
struct ByType<'a>(&'a BTreeMap<&'static str, u64>);

impl fmt::Display for ByType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.values().sum::<u64>())?;
        for (index, (kind, count)) in self.0.iter().enumerate() {
            write!(f, "{}{kind} {count}", if index == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}
