//! Polls, and how far they have come.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{Each, Moment, PollOutcome, TenureEnd, now};
use crate::ts::Ts;

/// Polls, and how far they have come.
#[derive(Debug, Clone, Default)]
pub struct Fetching {
    /// By what came of them.
    pub polls: Each<PollOutcome, Counter>,
    /// Sessions given up since they returned nothing while VK's queue moved.
    pub silent_sessions: Counter,
    /// When a poll was last answered.
    pub polled_at: Moment,
    /// How often the lease was taken.
    pub tenures: Counter,
    /// Why fetching had to begin again.
    pub tenure_ends: Each<TenureEnd, Counter>,
    /// The committed position, VK's `ts`; 0 for none.
    pub position: Gauge<u64, std::sync::atomic::AtomicU64>,
    /// When VK gave the answer up to which all is committed.
    pub current_at: Moment,
    /// When a commit was last done.
    pub committed_at: Moment,
}

impl Fetching {
    /// VK has nothing beyond `ts`.
    pub fn nothing_after(&self, ts: Ts) {
        if self.position.get() == ts.get() {
            self.current_at.set(now().as_secs_f64());
        }
    }

    /// What VK told so long ago is committed, and `ts` is the position after it.
    pub(super) fn committed(&self, ts: Ts, told: Duration) {
        let now = now();
        self.position.set(ts.get());
        self.committed_at.set(now.as_secs_f64());
        self.current_at.set(now.saturating_sub(told).as_secs_f64());
    }

    /// How long ago a commit was last done; none where none was.
    #[must_use]
    pub fn committed_ago(&self) -> Option<Duration> {
        let at = Duration::try_from_secs_f64(self.committed_at.get()).ok()?;
        (!at.is_zero()).then(|| now().saturating_sub(at))
    }

    /// A poll was answered.
    pub fn answered(&self) {
        self.polled_at.set(now().as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "polls",
            "Polls of VK's Long Poll, by what came of them",
            self.polls.clone(),
        );
        registry.register(
            "silent_sessions",
            "Long Poll sessions given up since polls returned nothing while VK's queue moved",
            self.silent_sessions.clone(),
        );
        registry.register_with_unit(
            "last_poll_timestamp",
            "When Long Poll last answered",
            Unit::Seconds,
            self.polled_at.clone(),
        );
        registry.register_with_unit(
            "last_commit_timestamp",
            "When this process last committed",
            Unit::Seconds,
            self.committed_at.clone(),
        );
        registry.register_with_unit(
            "current_timestamp",
            "When VK gave the answer up to which all is on the bus; its age is how late events are",
            Unit::Seconds,
            self.current_at.clone(),
        );
        registry.register(
            "position",
            "The position this process last committed, as VK counts",
            self.position.clone(),
        );
        registry.register("tenures", "How often this process took the lease", self.tenures.clone());
        registry.register(
            "tenure_ends",
            "How often fetching began again from the committed position, by the reason",
            self.tenure_ends.clone(),
        );
    }
}
