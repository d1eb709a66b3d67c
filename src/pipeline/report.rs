//! Reports each commit to the log, the metrics and the history of the last hour.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::Converted;
use crate::{
    event::EventType,
    fetcher::Batch,
    ops::{
        metrics::{DeadLetterLabels, Metrics, Stage, TypeLabels, update_type},
        retry::Outage,
        status::{Committed, History},
    },
    ts::Ts,
};

/// Reports commits, and sums them for the last log line.
pub(super) struct CommitReport<'a> {
    /// The last committed position.
    pub(super) committed: Option<Ts>,
    totals: Totals,
    /// Commits with updates of which a part was left out.
    cut: Outage,
    metrics: &'a Metrics,
    history: &'a History,
    group_id: i64,
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
    pub(super) fn new(metrics: &'a Metrics, history: &'a History, group_id: i64) -> Self {
        Self {
            committed: None,
            totals: Totals::default(),
            cut: Outage::default(),
            metrics,
            history,
            group_id,
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

    /// The ids are fields of each line, not of a span: the JSON format would nest a span's fields.
    fn log(&mut self, batch: &Batch<Converted>) {
        let Batch { updates: Converted { content, cut, .. }, ts, gaps, .. } = batch;
        let group_id = self.group_id;
        for gap in gaps {
            tracing::error!(
                group_id, from = %gap.from, to = %gap.to, missed = gap.missed(), cause = ?gap.cause,
                "VK lost updates: events between these positions may be missing"
            );
        }
        for entry in &content.entries {
            tracing::debug!(
                event_id = entry.event_id, group_id, %ts, event_type = %entry.kind,
                "event committed"
            );
        }
        if *cut > 0 {
            self.cut.fail();
            if self.cut.is_loud() {
                tracing::warn!(
                    group_id, %ts, updates = cut,
                    "updates have more attachments, more forwarded messages or a longer title than VK \
                     allows; what is beyond ten times that was left out"
                );
            }
        }
        for letter in &content.dead_letters {
            self.totals.dead_letters += 1;
            if self.totals.dead_letters.is_power_of_two() {
                let so_far = self.totals.dead_letters;
                tracing::warn!(
                    event_id = letter.event_id, group_id, %ts, reason = letter.reason, so_far,
                    "an update is kept as a dead letter"
                );
            }
        }
    }

    fn count(&mut self, batch: &Batch<Converted>, duplicates: u64, took: Duration) {
        let Batch { updates: Converted { content, dates, .. }, ts, received, .. } = batch;
        let (gaps, missed) = (content.gaps, content.missed);
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
        metrics.updates_lost.inc_by(missed);
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
        self.history.committed(&Committed { events, received, gaps, missed });
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, dead_letters, skipped, duplicates, gaps } = self;
        write!(
            f,
            "events {events:?}, dead letters {dead_letters}, not routed {skipped:?}, \
             duplicates dropped {duplicates}, gaps {gaps}"
        )
    }
}
