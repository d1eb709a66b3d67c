//! What the service has done and how fast, counted for Prometheus. Each room is handed the part that
//! it reports to; whoever wants to show the numbers reads them from here.
//!
//! `docs/metrics.md` lists all of them; it is made from what is registered here.

mod calls;
mod commits;
mod each;
mod fetching;
mod histogram;
mod label;
mod lookups;
mod standing;
mod streams;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};

use crate::{ops::health::Health, ts::Ts};
pub use calls::Calls;
pub use commits::{Commits, Committed};
pub use each::Each;
pub use fetching::Fetching;
pub use histogram::{Histogram, Snapshot};
pub use label::{
    CacheResult, CallOutcome, CommitOutcome, DeadLetterCode, Directory, Label, PollOutcome, Stage,
    TenureEnd, UpdateType,
};
pub use lookups::Lookups;
pub use streams::Streams;

/// How `/metrics` is to be read.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A number of seconds that only grows.
pub type Seconds = Counter<f64, std::sync::atomic::AtomicU64>;

/// A moment, in seconds since 1970; 0 for never.
pub type Moment = Gauge<f64, std::sync::atomic::AtomicU64>;

/// All metrics of a service.
#[derive(Debug)]
pub struct Metrics {
    /// Polls, and how far they have come.
    pub fetching: Fetching,
    /// Calls of VK's API.
    pub calls: Calls,
    /// The cache of names.
    pub lookups: Lookups,
    /// What went onto the bus.
    pub commits: Commits,
    /// What is on the bus.
    pub streams: Streams,
    registry: Registry,
}

impl Metrics {
    /// All at zero; `health` is looked at whenever they are told.
    #[must_use]
    pub fn new(health: Arc<Health>) -> Self {
        let mut registry = Registry::with_prefix("event_fetcher");
        let build = Info::new(vec![
            ("version", env!("CARGO_PKG_VERSION")),
            ("revision", option_env!("EVENT_FETCHER_REVISION").unwrap_or_default()),
        ]);
        registry.register("build", "Which version runs", build);
        let fetching = Fetching::default();
        let calls = Calls::default();
        let lookups = Lookups::default();
        let commits = Commits::default();
        let streams = Streams::default();
        standing::register(health, &mut registry);
        fetching.register(&mut registry);
        commits.register(&mut registry);
        calls.register(&mut registry);
        lookups.register(&mut registry);
        registry.register_collector(Box::new(streams.clone()));
        Self { fetching, calls, lookups, commits, streams, registry }
    }

    /// Batches are on the bus, and `ts` is the position after them.
    pub fn committed(&self, ts: Ts, batches: &Committed<'_>) {
        if let Some(newest) = batches.told.last() {
            self.fetching.committed(ts, newest.elapsed());
        }
        self.commits.add(batches);
    }

    /// All of them as text in the `OpenMetrics` format.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
