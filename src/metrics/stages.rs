//! The metrics of each stage. A stage gets its part as a whole; `default()` is one that nobody reads.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry, Unit},
};
use strum::VariantArray;

use super::{
    Cache, CacheLabels, CacheResult, CallLabels, CallOutcome, CommitLabels, CommitOutcome,
    DeadLetterLabels, LabelValues, LeaseTermEnd, LeaseTermEndLabels, MethodLabels, PollLabels,
    PollOutcome, Seconds, Stage, StageLabels, Timestamp, TypeLabels, durations, family,
    labels::update_types, now,
};

/// Registers a metric.
fn metric<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// Registers a metric in seconds; its name gets the suffix `_seconds`.
fn seconds<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

/// Polls, lease terms, and the committed position.
#[derive(Debug, Clone)]
pub struct Fetching {
    /// Polls, by result.
    pub polls: Family<PollLabels, Counter>,
    /// When Long Poll last answered.
    pub last_poll: Timestamp,
    /// When this process last committed.
    pub last_commit: Timestamp,
    /// When VK gave the answer up to which everything is committed.
    pub watermark: Timestamp,
    /// The committed position, VK's `ts`; 0 for none.
    pub committed_position: Gauge<u64, AtomicU64>,
    /// How often the lease was acquired.
    pub lease_terms: Counter,
    /// Why lease terms ended.
    pub lease_term_ends: Family<LeaseTermEndLabels, Counter>,
}

impl Fetching {
    pub(super) fn new(to: &mut Registry) -> Self {
        let outcomes = PollOutcome::VARIANTS.iter().map(|&outcome| PollLabels { outcome });
        let reasons = LeaseTermEnd::VARIANTS.iter().map(|&reason| LeaseTermEndLabels { reason });
        let time = Timestamp::default;
        Self {
            polls: metric(
                to,
                "polls",
                "Polls of VK's Long Poll, by result",
                family(Counter::default, outcomes),
            ),
            last_poll: seconds(to, "last_poll_timestamp", "When Long Poll last answered", time()),
            last_commit: seconds(
                to,
                "last_commit_timestamp",
                "When this process last committed",
                time(),
            ),
            watermark: seconds(
                to,
                "watermark_timestamp",
                "When VK gave the answer up to which everything is committed; its age is how late events are",
                time(),
            ),
            committed_position: metric(
                to,
                "committed_position",
                "The position (VK's ts) that this process last committed",
                Gauge::default(),
            ),
            lease_terms: metric(
                to,
                "lease_terms",
                "How often this process acquired the lease",
                Counter::default(),
            ),
            lease_term_ends: metric(
                to,
                "lease_term_ends",
                "How often fetching was restarted from the committed position, by reason",
                family(Counter::default, reasons),
            ),
        }
    }

    /// Long Poll answered.
    pub fn answered(&self) {
        self.last_poll.set(now().as_secs_f64());
    }

    /// VK has no updates after the position `ts`.
    pub fn nothing_after(&self, ts: u64) {
        if self.committed_position.get() == ts {
            self.watermark.set(now().as_secs_f64());
        }
    }

    /// Everything up to the position `ts` is committed; VK sent the last of it `age` ago.
    pub fn committed(&self, ts: u64, age: Duration) {
        let now = now();
        self.committed_position.set(ts);
        self.last_commit.set(now.as_secs_f64());
        self.watermark.set(now.saturating_sub(age).as_secs_f64());
    }
}

/// What is committed to the bus.
#[derive(Debug, Clone)]
pub struct Commits {
    /// Events, by type.
    pub events: Family<TypeLabels, Counter>,
    /// Updates that could not become events, by reason.
    pub dead_letters: Family<DeadLetterLabels, Counter>,
    /// Updates that do not become events, by [`update_type`](super::update_type).
    pub updates_skipped: Family<TypeLabels, Counter>,
    /// Events and dead letters that VK had sent before, dropped.
    pub duplicates_dropped: Counter,
    /// How often VK lost updates.
    pub gaps: Counter,
    /// How many updates VK lost, by its positions.
    pub updates_lost: Counter,
    /// Commits sent to Redis, by result.
    pub commits: Family<CommitLabels, Counter>,
    /// How often acquiring or renewing the lease was retried.
    pub lease_retries: Counter,
    /// From VK's answer to its commit, one observation a batch.
    pub latency: Histogram,
    /// From a message's date to its commit, one observation a message.
    pub message_age: Histogram,
    /// The time in each stage, one observation a batch; of `commit` one a commit.
    pub stage_duration: Family<StageLabels, Histogram>,
}

impl Default for Commits {
    fn default() -> Self {
        Self::new(&mut Registry::default(), &LabelValues::default())
    }
}

impl Commits {
    pub(super) fn new(to: &mut Registry, values: &LabelValues) -> Self {
        let of_type = |r#type| TypeLabels { r#type };
        let event_types = values.event_types.iter().copied().map(of_type);
        let reasons = values.dead_letter_reasons.iter().map(|&reason| DeadLetterLabels { reason });
        let outcomes = CommitOutcome::VARIANTS.iter().map(|&outcome| CommitLabels { outcome });
        let stages = Stage::VARIANTS.iter().map(|&stage| StageLabels { stage });
        Self {
            events: metric(
                to,
                "events",
                "Events committed, duplicates included, by type",
                family(Counter::default, event_types),
            ),
            dead_letters: metric(
                to,
                "dead_letters",
                "Updates that could not become events, by reason",
                family(Counter::default, reasons),
            ),
            updates_skipped: metric(
                to,
                "updates_skipped",
                "Updates of types that do not become events, by type",
                family(Counter::default, update_types().map(of_type)),
            ),
            duplicates_dropped: metric(
                to,
                "duplicates_dropped",
                "Events and dead letters that VK had sent before",
                Counter::default(),
            ),
            gaps: metric(to, "gaps", "How often VK lost updates", Counter::default()),
            updates_lost: metric(
                to,
                "updates_lost",
                "Updates that VK lost, estimated by its positions",
                Counter::default(),
            ),
            commits: metric(
                to,
                "commits",
                "Commits sent to Redis, by result",
                family(Counter::default, outcomes),
            ),
            lease_retries: metric(
                to,
                "lease_retries",
                "How often acquiring or renewing the lease was retried",
                Counter::default(),
            ),
            latency: seconds(
                to,
                "commit_latency",
                "The time from VK's answer to the commit of everything in it, one observation a batch",
                durations(),
            ),
            message_age: seconds(
                to,
                "message_age",
                "The time from a message's date, in whole seconds by VK's clock, to its commit",
                durations(),
            ),
            stage_duration: seconds(
                to,
                "stage_duration",
                "The time in a stage, one observation a batch; in commit one for all batches of a commit",
                family(durations, stages),
            ),
        }
    }

    /// A batch spent so long in a stage.
    pub fn spent_in(&self, stage: Stage, duration: Duration) {
        self.stage_duration.get_or_create(&StageLabels { stage }).observe(duration.as_secs_f64());
    }

    /// Messages with these dates, in seconds since 1970, are committed.
    pub fn messages(&self, dates: &[i64]) {
        let now = now();
        for &date in dates {
            let date = Duration::from_secs(u64::try_from(date).unwrap_or_default());
            self.message_age.observe(now.saturating_sub(date).as_secs_f64());
        }
    }
}

/// Calls of VK's API.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Calls, by method and result.
    pub calls: Family<CallLabels, Counter>,
    /// The time that calls waited for VK's rate limits, by method.
    pub rate_limit_wait: Family<MethodLabels, Seconds>,
}

impl Default for Calls {
    fn default() -> Self {
        Self::new(&mut Registry::default(), &LabelValues::default())
    }
}

impl Calls {
    pub(super) fn new(to: &mut Registry, values: &LabelValues) -> Self {
        let methods = values.vk_methods.iter().map(|&method| MethodLabels { method });
        let calls = values.vk_methods.iter().flat_map(|&method| {
            CallOutcome::VARIANTS.iter().map(move |&outcome| CallLabels { method, outcome })
        });
        Self {
            calls: metric(
                to,
                "vk_api_calls",
                "Calls of VK's API, by result",
                family(Counter::default, calls),
            ),
            rate_limit_wait: seconds(
                to,
                "vk_api_rate_limit_wait",
                "The time that calls waited for VK's rate limits",
                family(Seconds::default, methods),
            ),
        }
    }
}

/// The caches of looked-up objects.
#[derive(Debug, Clone)]
pub struct Lookups {
    /// Look-ups, by cache and result.
    pub cache_lookups: Family<CacheLabels, Counter>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self::new(&mut Registry::default())
    }
}

impl Lookups {
    pub(super) fn new(to: &mut Registry) -> Self {
        let labels = Cache::VARIANTS.iter().flat_map(|&cache| {
            CacheResult::VARIANTS.iter().map(move |&result| CacheLabels { cache, result })
        });
        Self {
            cache_lookups: metric(
                to,
                "cache_lookups",
                "Look-ups in the caches of users, communities and chats, each id of a batch once",
                family(Counter::default, labels),
            ),
        }
    }
}
