//! What the service counts, for Prometheus. Stages get the part that they report to and pass numbers and
//! label values; this module imports none of them. State that another module keeps anyway, such as health,
//! is read at the scrape by a [`Collector`] of that module.
//!
//! `docs/metrics.md` lists all metrics; the list is generated from what is registered.

mod format;
mod labels;
mod register;
mod stages;

use std::{
    fmt,
    sync::atomic::AtomicU64,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};

pub use format::Format;
pub use labels::{
    Cache, CacheLabels, CacheResult, CallLabels, CallOutcome, CommitLabels, CommitOutcome,
    DeadLetterLabels, DirectoryLabels, LabelValues, LeaseTermEnd, LeaseTermEndLabels, MethodLabels,
    PollLabels, PollOutcome, Stage, StageLabels, TypeLabels, update_type,
};
pub use stages::{Calls, Commits, Enrichment, Fetching};

/// A sum of seconds.
pub type Seconds = Counter<f64, AtomicU64>;

/// A point in time, in seconds since 1970; 0 for never.
pub type Timestamp = Gauge<f64, AtomicU64>;

/// All metrics of a service.
#[derive(Debug)]
pub struct Metrics {
    /// Polls, lease terms, and the committed position.
    pub fetching: Fetching,
    /// Calls of VK's API.
    pub calls: Calls,
    /// The caches of looked-up objects.
    pub lookups: Enrichment,
    /// What is committed to the bus.
    pub commits: Commits,
    registry: Registry,
}

impl Metrics {
    /// All at zero. `values` are the label values of the stages, whose series are created here.
    #[must_use]
    pub fn new(values: &LabelValues) -> Self {
        let mut registry = Registry::with_prefix("event_fetcher");
        let build = Info::new(vec![
            ("version", env!("CARGO_PKG_VERSION")),
            ("revision", option_env!("EVENT_FETCHER_REVISION").unwrap_or_default()),
        ]);
        registry.register("build", "The version that runs", build);
        let fetching = Fetching::new(&mut registry);
        let commits = Commits::new(&mut registry, values);
        let calls = Calls::new(&mut registry, values);
        let lookups = Enrichment::new(&mut registry);
        Self { fetching, calls, lookups, commits, registry }
    }

    /// Adds metrics that another module reads from its own state at each scrape.
    pub fn register_collector(&mut self, collector: impl Collector) {
        self.registry.register_collector(Box::new(collector));
    }

    /// All metrics as text. Fails only where a collector does.
    ///
    /// # Errors
    ///
    /// Only if a metric cannot be formatted, which is a bug.
    pub fn text(&self, format: Format) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(match format {
            Format::Prometheus => format::to_prometheus(&text),
            Format::OpenMetrics => text,
        })
    }
}

/// The time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
