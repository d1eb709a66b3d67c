//! `run`: the service.

use std::{io, sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{VERSION, block_on, exit::Exit, reload::Reload, signals::Signals};
use crate::{
    bus::{self, Bus, BusUrl, SnapshotReader},
    config::{self, Loaded, Sources},
    converter::Rules,
    enrich::Enricher,
    ops::{
        health::{Health, HealthGauges, Role},
        http::{self, Page},
        metrics::Metrics,
        preflight, process,
        status::{BusSnapshot, History, StatusCollector, StreamGauges},
        systemd,
        telemetry::{self, Level, Output},
    },
    pipeline::{self, Pipeline},
    vk::{self, Api, LongPoll},
};

/// Runs the service; `hidden` is whether the process's memory could be hidden.
pub(super) fn run(sources: &Sources, hidden: io::Result<()>) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    // Standard output belongs to the events when they go there.
    let output = match loaded.config.bus.url {
        BusUrl::Stdout => Output::Stderr,
        BusUrl::Redis(_) => Output::Stdout,
    };
    let level = match telemetry::start(&loaded.config.log, output) {
        Ok(level) => level,
        Err(error) => return Exit::Usage.because(error),
    };
    if let Err(error) = hidden {
        tracing::debug!(%error, "core dumps cannot be switched off here: one would hold the token");
    }
    if let Err(error) = process::raise_descriptor_limit() {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    if sources.vars.contains_key(IN_IMAGE) && loaded.origin("vk.token") == Some(TOKEN_VARIABLE) {
        tracing::warn!(
            "the token comes from the environment of a container: if docker build was given it, \
             whoever has the image has it; better mount it as /run/secrets/token"
        );
    }
    block_on(serve(loaded, sources.clone(), level))
}

/// Set in the images that are built of this service.
const IN_IMAGE: &str = "EVENT_FETCHER_IMAGE";
const TOKEN_VARIABLE: &str = "environment variable TOKEN";

async fn serve(loaded: Loaded, sources: Sources, level: Level) -> Exit {
    // First of all: a stop must be heeded while the rest is still being made.
    let stop = CancellationToken::new();
    let Signals { stops, hangups } = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!("signals cannot be received here: {error}");
            return Exit::Bug;
        }
    };
    // They end with this function.
    let mut tasks = JoinSet::new();
    tasks.spawn(stops.wait(stop.clone()));
    let Loaded { config, access, .. } = &loaded;
    let group_id = access.group_id;
    tracing::info!(version = VERSION.as_str(), group_id, bus = %config.bus.url, "event-fetcher starts");
    if let BusUrl::Stdout = config.bus.url {
        tracing::warn!(
            "events go to standard output: no position is kept, so what comes while this is stopped is lost"
        );
    }
    let health = Arc::new(Health::new(config.vk.wait));
    let streams = StreamGauges::default();
    let mut metrics = Metrics::new(&pipeline::label_values());
    metrics.register_collector(HealthGauges(health.clone()));
    metrics.register_collector(streams.clone());
    let metrics = Arc::new(metrics);
    let history = Arc::new(History::default());
    let made = Api::new(config.vk.clone(), access.clone(), metrics.calls.clone()).and_then(|api| {
        let long_poll = LongPoll::new(&config.vk)?;
        let bus = Bus::new(&config.bus, group_id, health.clone(), metrics.commits.clone())?;
        Ok((Arc::new(api), Arc::new(long_poll), bus))
    });
    let (api, long_poll, bus) = match made {
        Ok(made) => made,
        Err(error) => {
            tracing::error!("cannot start: {error:#}");
            return Exit::Usage;
        }
    };
    let names = Enricher::new(api.clone(), &config.names, &health, &metrics.lookups);
    let rules = Rules::from(config.converter.clone()).of_community(group_id);
    let pipeline = Pipeline {
        api: &api,
        long_poll: &long_poll,
        session_check: config.vk.session_check,
        enricher: &names,
        health: &health,
        metrics: &metrics,
        history: &history,
        bus: &bus,
        rules: &rules,
        unrouted: config.bus.unrouted,
    };
    let reader = config.http.listen.and_then(|_| bus.snapshot_reader());
    let (version, has_bus) = (VERSION.as_str(), reader.is_some());
    let collector =
        StatusCollector::new(version, group_id, health.clone(), history.clone(), has_bus);
    let collector = Arc::new(collector);
    if let Some(address) = config.http.listen {
        let page = config.http.page.then(|| Page { hosts: config.http.hosts.clone() });
        tasks.spawn(http::serve(address, collector.clone(), metrics.clone(), page));
        if let Some(reader) = reader {
            tasks.spawn(watch_bus(reader, health.clone(), streams, collector.clone()));
        }
    }
    tasks.spawn(systemd::tell(collector, stop.clone()));
    tasks.spawn(preflight_once_fetching(
        api.clone(),
        config.vk.clone(),
        config.bus.clone(),
        health.clone(),
    ));
    tasks.spawn(Reload::new(sources, &loaded, api.clone(), health.clone(), level).watch(hangups));
    let result = Box::pin(pipeline.run(&stop)).await;
    match result {
        Ok(()) => Exit::Done,
        Err(failure) => {
            tracing::error!("{failure}");
            Exit::PermanentError
        }
    }
}

/// Asks Redis in the background for the state of the bus, for the metrics and for the status, so that Redis
/// does the same work however many ask.
async fn watch_bus(
    mut reader: SnapshotReader,
    health: Arc<Health>,
    streams: StreamGauges,
    collector: Arc<StatusCollector>,
) {
    let report = |answer: redis::RedisResult<BusSnapshot>| {
        if let Ok(snapshot) = &answer {
            // What several instances see is counted once.
            let fetches = health.snapshot().role == Role::Fetching;
            streams.show(fetches.then(|| snapshot.clone()));
        }
        collector.bus_reported(answer.map_err(|error| error.to_string()));
    };
    reader.watch(report).await;
}

/// How often the preflight check looks whether this instance fetches by now.
const PREFLIGHT_PERIOD: Duration = Duration::from_millis(500);

/// Logs the preflight check of VK and Redis once this instance fetches: a standby need not ask VK.
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
