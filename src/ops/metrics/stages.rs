//! The metrics of each stage. A stage gets its part as a whole; `default()` is one that nobody reads.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    CacheLabels, CallLabels, CommitLabels, DeadLetterLabels, DirectoryLabels, LabelValues,
    LeaseTermEndLabels, MethodLabels, PollLabels, Seconds, Stage, StageLabels, Timestamp,
    TypeLabels,
    labels::update_types,
    now,
    register::{Register, each},
};

/// Polls, lease terms, and the committed position.
#[derive(Debug, Clone)]
pub struct Fetching {
    /// Polls, by result.
    pub polls: Family<PollLabels, Counter>,
    /// Long Poll sessions replaced since their polls returned nothing while VK's queue moved.
    pub silent_sessions: Counter,
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
        let mut to = Register(to);
        Self {
            polls: to.counters(
                "polls",
                "Polls of VK's Long Poll, by result",
                each(|outcome| PollLabels { outcome }),
            ),
            silent_sessions: to.counter(
                "silent_sessions",
                "Long Poll sessions replaced since polls returned nothing while VK's queue moved",
            ),
            last_poll: to.timestamp("last_poll", "When Long Poll last answered"),
            last_commit: to.timestamp("last_commit", "When this process last committed"),
            watermark: to.timestamp(
                "watermark",
                "When VK gave the answer up to which everything is committed; its age is how late events are",
            ),
            committed_position: to.gauge(
                "committed_position",
                "The position (VK's ts) that this process last committed",
            ),
            lease_terms: to.counter("lease_terms", "How often this process acquired the lease"),
            lease_term_ends: to.counters(
                "lease_term_ends",
                "How often fetching was restarted from the committed position, by reason",
                each(|reason| LeaseTermEndLabels { reason }),
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
        let mut to = Register(to);
        let of_type = |r#type| TypeLabels { r#type };
        Self {
            events: to.counters(
                "events",
                "Events committed, duplicates included, by type",
                values.event_types.iter().copied().map(of_type),
            ),
            dead_letters: to.counters(
                "dead_letters",
                "Updates that could not become events, by reason",
                values.dead_letter_reasons.iter().map(|&reason| DeadLetterLabels { reason }),
            ),
            updates_skipped: to.counters(
                "updates_skipped",
                "Updates of types that do not become events, by type",
                update_types().map(of_type),
            ),
            duplicates_dropped: to.counter(
                "duplicates_dropped",
                "Events and dead letters that VK had sent before",
            ),
            gaps: to.counter("gaps", "How often VK lost updates"),
            updates_lost: to
                .counter("updates_lost", "Updates that VK lost, estimated by its positions"),
            commits: to.counters(
                "commits",
                "Commits sent to Redis, by result",
                each(|outcome| CommitLabels { outcome }),
            ),
            lease_retries: to.counter(
                "lease_retries",
                "How often acquiring or renewing the lease was retried",
            ),
            latency: to.histogram(
                "commit_latency",
                "The time from VK's answer to the commit of everything in it, one observation a batch",
            ),
            message_age: to.histogram(
                "message_age",
                "The time from a message's date, in whole seconds by VK's clock, to its commit",
            ),
            stage_duration: to.histograms(
                "stage_duration",
                "The time in a stage, one observation a batch; in commit one for all batches of a commit",
                each(|stage| StageLabels { stage }),
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
        let mut to = Register(to);
        let methods = values.vk_methods.iter().copied();
        let of_method = |method| each(move |outcome| CallLabels { method, outcome });
        Self {
            calls: to.counters(
                "vk_api_calls",
                "Calls of VK's API, by result",
                methods.clone().flat_map(of_method),
            ),
            rate_limit_wait: to.sums_of_seconds(
                "vk_api_rate_limit_wait",
                "The time that calls waited for VK's rate limits",
                methods.map(|method| MethodLabels { method }),
            ),
        }
    }
}

/// The caches of looked-up objects.
#[derive(Debug, Clone)]
pub struct Enrichment {
    /// Look-ups, by cache and result.
    pub cache_lookups: Family<CacheLabels, Counter>,
    /// Ids without a usable answer when asked for alone, by cache.
    pub names_unresolved: Family<DirectoryLabels, Counter>,
    /// Cropped messages that VK did not complete.
    pub messages_incomplete: Counter,
}

impl Default for Enrichment {
    fn default() -> Self {
        Self::new(&mut Registry::default())
    }
}

impl Enrichment {
    pub(super) fn new(to: &mut Registry) -> Self {
        let of_cache = |cache| each(move |result| CacheLabels { cache, result });
        let mut to = Register(to);
        Self {
            cache_lookups: to.counters(
                "cache_lookups",
                "Look-ups in the caches of users, communities and chats, each id of a batch once",
                each(|cache| cache).flat_map(of_cache),
            ),
            names_unresolved: to.counters(
                "names_unresolved",
                "Ids for which VK gave no usable answer for names.unresolved_after, asked for alone while it \
                 answered for others: their events have no name, or wait",
                each(|cache| DirectoryLabels { cache }),
            ),
            messages_incomplete: to.counter(
                "messages_incomplete",
                "Cropped messages that VK did not complete: their events have what the update carried",
            ),
        }
    }
}
