//! What is told of each commit: to the log, and to the metrics.

use std::time::Duration;

use super::Prepared;
use crate::{
    metrics::{Committed, Metrics, Stage},
    outage::Outage,
    ts::Ts,
};

/// What this process has committed.
pub(super) struct Report<'a> {
    /// The position last committed.
    pub(super) committed: Option<Ts>,
    dead_letters: u64,
    /// Commits with updates that lost a part.
    cut: Outage,
    metrics: &'a Metrics,
    group_id: i64,
}

impl<'a> Report<'a> {
    pub(super) fn new(metrics: &'a Metrics, group_id: i64) -> Self {
        Self { committed: None, dead_letters: 0, cut: Outage::default(), metrics, group_id }
    }

    /// Batches are on the bus; Redis was waited for `took`.
    pub(super) fn committed(&mut self, batches: &Prepared, repeats: u64, took: Duration) {
        let Prepared { content, ts, gaps, told, dates, cut } = batches;
        let group_id = self.group_id;
        self.committed = Some(*ts);
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
            self.dead_letters += 1;
            if self.dead_letters.is_power_of_two() {
                let so_far = self.dead_letters;
                tracing::warn!(
                    event_id = letter.event_id, group_id, %ts, reason = letter.reason, so_far,
                    "an update is kept as a dead letter"
                );
            }
        }
        self.metrics.commits.stages.of(Stage::Commit).observe(took);
        self.metrics.committed(*ts, &Committed { content, repeats, told, dates });
    }
}
