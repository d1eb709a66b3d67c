//! What is told of each commit: to the log, and to the metrics.

use std::time::Duration;

use super::Prepared;
use crate::{
    metrics::{Committed, Metrics, Stage},
    ts::Ts,
};

/// What this process has committed.
pub(super) struct Report<'a> {
    /// The position last committed.
    pub(super) committed: Option<Ts>,
    dead_letters: u64,
    metrics: &'a Metrics,
}

impl<'a> Report<'a> {
    pub(super) fn new(metrics: &'a Metrics) -> Self {
        Self { committed: None, dead_letters: 0, metrics }
    }

    /// A batch is on the bus; Redis was waited for `took`.
    pub(super) fn committed(&mut self, batch: &Prepared, repeats: u64, took: Duration) {
        let Prepared { content, ts, told, dates } = batch;
        self.committed = Some(*ts);
        for entry in &content.entries {
            tracing::debug!(event_id = entry.event_id, event_type = %entry.kind, %ts, "event committed");
        }
        for letter in &content.dead_letters {
            self.dead_letters += 1;
            if self.dead_letters.is_power_of_two() {
                let so_far = self.dead_letters;
                tracing::warn!(reason = letter.reason, %ts, so_far, "an update is kept as a dead letter");
            }
        }
        self.metrics.commits.stages.of(Stage::Commit).observe(took);
        self.metrics.committed(*ts, &Committed { content, repeats, told: told.elapsed(), dates });
    }
}
