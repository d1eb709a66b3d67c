//! `run`: the service.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{VERSION, block_on, exit::Exit, reload::Reload, signals::Signals};
use crate::{
    bus::{Bus, BusUrl},
    checkup,
    config::{self, Loaded, Sources},
    converter::Rules,
    health::Health,
    http,
    metrics::Metrics,
    names::Names,
    pipeline::Pipeline,
    status::Board,
    systemd,
    telemetry::{self, Level, Output},
    vk::{Api, LongPoll},
};

pub(super) fn run(sources: &Sources) -> Exit {
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
    tasks.spawn(stops.heed(stop.clone()));
    let Loaded { config, access, .. } = &loaded;
    let group_id = access.group_id;
    tracing::info!(version = VERSION.as_str(), group_id, bus = %config.bus.url, "event-fetcher starts");
    if let BusUrl::Stdout = config.bus.url {
        tracing::warn!(
            "events go to standard output: no position is kept, so what comes while this is stopped is lost"
        );
    }
    let health = Arc::new(Health::new(config.vk.wait));
    let metrics = Arc::new(Metrics::new(health.clone()));
    let made = Api::new(config.vk.clone(), access.clone(), metrics.calls.clone()).and_then(|api| {
        let long_poll = LongPoll::new(config.vk.wait)?;
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
    let names = Names::new(api.clone(), &config.names, &health, metrics.lookups.clone());
    let rules = Rules::from(config.converter.clone());
    let pipeline = Pipeline {
        api: &api,
        long_poll: &long_poll,
        names: &names,
        health: &health,
        metrics: &metrics,
        bus: &bus,
        rules: &rules,
        unrouted: config.bus.unrouted,
    };
    if let Some(address) = config.http.listen {
        let board = Board::new(VERSION.as_str(), group_id, health.clone(), metrics.clone());
        let board = Arc::new(board);
        let page = config.http.page.then(|| board.clone());
        tasks.spawn(http::serve(address, health.clone(), metrics.clone(), page));
        let surveyor = bus.surveyor();
        tasks.spawn(async move { board.keep(surveyor).await });
    }
    tasks.spawn(systemd::tell(health.clone(), stop.clone()));
    tasks.spawn(checkup::log_once_fetching(
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
            Exit::Refused
        }
    }
}
