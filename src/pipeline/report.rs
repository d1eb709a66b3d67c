//! What is reported of each commit: to the log, to the metrics, and to the last hour's history.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::Prepared;
use crate::{
    event::EventType,
    ops::{
        metrics::{DeadLetterLabels, Metrics, Stage, TypeLabels, update_type},
        retry::Outage,
        status::{Committed, History},
    },
    ts::Ts,
};

/// What this process has committed.
pub(super) struct Report<'a> {
    /// The position last committed.
    pub(super) committed: Option<Ts>,
    totals: Totals,
    /// Commits with updates that lost a part.
    cut: Outage,
    metrics: &'a Metrics,
    history: &'a History,
    group_id: i64,
}

/// All that this process has committed, for its last words.
#[derive(Debug, Default)]
pub(super) struct Totals {
    events: BTreeMap<&'static str, u64>,
    dead_letters: u64,
    skipped: BTreeMap<&'static str, u64>,
    duplicates: u64,
    gaps: u64,
}

impl<'a> Report<'a> {
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

    /// Batches are on the bus; Redis was waited for `took`.
    pub(super) fn committed(&mut self, batches: &Prepared, duplicates: u64, took: Duration) {
        self.committed = Some(batches.ts);
        self.log(batches);
        self.count(batches, duplicates, took);
    }

    fn log(&mut self, batches: &Prepared) {
        let Prepared { content, ts, gaps, cut, .. } = batches;
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

    fn count(&mut self, batches: &Prepared, duplicates: u64, took: Duration) {
        let Prepared { content, ts, told, dates, .. } = batches;
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
        for received in told {
            metrics.latency.observe(received.elapsed().as_secs_f64());
        }
        metrics.messages(dates);
        if let Some(newest) = told.last() {
            self.metrics.fetching.committed(ts.get(), newest.elapsed());
        }
        self.history.committed(&Committed { events, received: told, gaps, updates_lost });
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
