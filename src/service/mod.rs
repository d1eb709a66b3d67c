//! The service: built from its configuration, then run until it is asked to stop.
//!
//! This is the one place that knows all stages. Each stage gets what it reports to (health, metrics,
//! history); what shows that to people and programs (HTTP, systemd) runs beside the pipeline.

mod reload;
mod signals;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, error_span};

use crate::{
    bus::{self, Bus, BusUrl, SnapshotReader},
    config::{Config, Loaded, Sources},
    converter::Rules,
    enrich::Enricher,
    ops::{
        gauges::{HealthGauges, StreamGauges},
        health::{Health, Role},
        http::{self, Page},
        metrics::Metrics,
        preflight,
        status::{BusSnapshot, History, StatusCollector},
        systemd,
        telemetry::Level,
    },
    pipeline::{self, Pipeline},
    text,
    vk::{self, Api, LongPoll},
};
use reload::Reload;
use signals::Signals;

/// How often the preflight check tests whether this instance has begun to fetch.
const PREFLIGHT_PERIOD: Duration = Duration::from_millis(500);

/// The version, with the revision it was built from if the build knew it.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    match option_env!("EVENT_FETCHER_REVISION") {
        Some(revision) if !revision.is_empty() => format!("{version} ({revision})"),
        _ => version.to_owned(),
    }
});

/// Why the service ended without having been asked to stop.
#[derive(Debug, Error)]
pub enum Error {
    /// The process cannot receive signals.
    #[error("the service cannot receive signals on this machine: {0}")]
    Signals(#[from] std::io::Error),
    /// A part of the service cannot be built from the configuration.
    #[error("the service cannot start: {0:#}")]
    Build(anyhow::Error),
    /// VK or Redis answered with a permanent error. The message says what to do.
    #[error(transparent)]
    Permanent(#[from] pipeline::Failure),
}

/// Runs the service with the configuration `loaded` until SIGTERM or SIGINT. SIGHUP loads the
/// configuration from `sources` again; `level` is the handle by which that changes the log's level.
///
/// # Errors
/// Fails if the service cannot be built, or if VK or Redis answers with a permanent error.
pub async fn run(loaded: Loaded, sources: Sources, level: Level) -> Result<(), Error> {
    // An error span, because a log level that disabled the span would remove `group_id` from each line.
    let community = error_span!("community", group_id = loaded.access.group_id);
    let service = async {
        // The handlers come first: until they are installed, a signal kills the process.
        let signals = Signals::listen()?;
        announce(&loaded.config);
        let service = Service::build(&loaded).map_err(Error::Build)?;
        let reload = Reload::new(sources, loaded, service.pipeline.api.clone(), level);
        Ok(service.run(signals, reload).await?)
    };
    service.instrument(community).await
}

fn announce(config: &Config) {
    tracing::info!(version = VERSION.as_str(), bus = %config.bus.url, "event-fetcher starts");
    if let BusUrl::Stdout = config.bus.url {
        tracing::warn!(
            "events go to standard output: no position is stored, so updates that VK sends while the \
             service is stopped are lost"
        );
    }
}

/// Everything that the service consists of.
struct Service {
    config: Config,
    pipeline: Pipeline,
    streams: StreamGauges,
    collector: Arc<StatusCollector>,
    /// None if nobody would see the state of the bus, or if there is no Redis.
    snapshot_reader: Option<SnapshotReader>,
}

impl Service {
    fn build(loaded: &Loaded) -> anyhow::Result<Self> {
        let Loaded { config, access, .. } = loaded;
        let config = config.clone();
        let group_id = access.group_id;
        let health = Arc::new(Health::new(config.vk.wait));
        let history = Arc::new(History::default());
        let streams = StreamGauges::default();
        let mut metrics = Metrics::new(&pipeline::label_values());
        metrics.register_collector(HealthGauges(health.clone()));
        metrics.register_collector(streams.clone());

        let api = Arc::new(Api::new(config.vk.clone(), access.clone(), metrics.calls.clone())?);
        let bus = Bus::new(&config.bus, group_id, health.clone(), metrics.commits.clone())?;
        let enricher = Enricher::new(api.clone(), &config.names, &health, &metrics.lookups);

        let snapshot_reader = config.http.listen.and_then(|_| bus.snapshot_reader());
        let collector = Arc::new(StatusCollector::new(
            VERSION.as_str(),
            group_id,
            health.clone(),
            history.clone(),
            snapshot_reader.is_some(),
        ));
        let pipeline = Pipeline {
            api,
            long_poll: Arc::new(LongPoll::new(&config.vk)?),
            session_check: config.vk.session_check,
            enricher,
            health,
            metrics: Arc::new(metrics),
            history,
            bus,
            rules: Rules::from(config.converter.clone()).of_community(group_id),
            unrouted: config.bus.unrouted,
        };
        Ok(Self { config, pipeline, streams, collector, snapshot_reader })
    }

    /// Fetches until a signal asks for a stop, then drains the pipeline.
    async fn run(mut self, signals: Signals, reload: Reload) -> Result<(), pipeline::Failure> {
        let stop = CancellationToken::new();
        // Aborted when this function returns.
        let mut tasks = Tasks::default();
        tasks.spawn(signals.stop.watch(stop.clone()));
        tasks.spawn(reload.watch(signals.hangup));
        tasks.spawn(systemd::notify(self.collector.clone(), stop.clone()));
        tasks.spawn(preflight_once_fetching(
            self.pipeline.api.clone(),
            self.config.vk.clone(),
            self.config.bus.clone(),
            self.pipeline.health.clone(),
        ));
        self.serve_http(&mut tasks);
        // Boxed, because the future of the whole pipeline is large.
        Box::pin(self.pipeline.run(&stop)).await
    }

    fn serve_http(&mut self, tasks: &mut Tasks) {
        let http = &self.config.http;
        let Some(address) = http.listen else { return };
        let page = http.page.then(|| Page { hosts: http.hosts.clone() });
        tasks.spawn(http::serve(
            address,
            self.collector.clone(),
            self.pipeline.metrics.clone(),
            page,
        ));
        if let Some(reader) = self.snapshot_reader.take() {
            let (health, streams) = (self.pipeline.health.clone(), self.streams.clone());
            tasks.spawn(watch_bus(reader, health, streams, self.collector.clone()));
        }
    }
}

/// Background tasks. Their log lines carry the fields of the span in which they were spawned.
#[derive(Default)]
struct Tasks(JoinSet<()>);

impl Tasks {
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task.instrument(Span::current()));
    }
}

/// Reads the state of the bus from Redis in the background, for the metrics and the status: the load on
/// Redis does not depend on how many clients ask.
async fn watch_bus(
    mut reader: SnapshotReader,
    health: Arc<Health>,
    streams: StreamGauges,
    collector: Arc<StatusCollector>,
) {
    let report = |answer: redis::RedisResult<BusSnapshot>| {
        if let Ok(snapshot) = &answer {
            // Several instances see the same streams: only the one that fetches exports them.
            let fetches = health.snapshot().role == Role::Fetching;
            streams.show(fetches.then(|| snapshot.clone()));
        }
        collector.bus_reported(answer.map_err(|error| text::cause(&error)));
    };
    reader.watch(report).await;
}

/// Logs the preflight check of VK and Redis once this instance fetches: a standby does not call VK.
async fn preflight_once_fetching(
    api: Arc<Api>,
    vk: vk::Config,
    bus: bus::Config,
    health: Arc<Health>,
) {
    while health.snapshot().role != Role::Fetching {
        tokio::time::sleep(PREFLIGHT_PERIOD).await;
    }
    let (vk, redis) =
        tokio::join!(vk::preflight::ask(&api, &vk.api_version), bus::preflight::ask(&bus));
    preflight::report("VK", &vk);
    preflight::report("Redis", &redis);
}
