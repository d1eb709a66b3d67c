//! `run`: the service.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{VERSION, block_on, exit::Exit};
use crate::{
    bus::Bus,
    checkup,
    config::{self, BusUrl, Loaded, Sources},
    converter::Rules,
    health::Health,
    http,
    metrics::Metrics,
    names::Names,
    pipeline::Pipeline,
    status::Board,
    systemd,
    telemetry::{self, Output},
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
    if let Err(error) = telemetry::start(&loaded.config.log, output) {
        return Exit::Usage.because(error);
    }
    if sources.vars.contains_key(IN_IMAGE) && loaded.origin("vk.token") == Some(TOKEN_VARIABLE) {
        tracing::warn!(
            "the token comes from the environment of a container: if docker build was given it, \
             whoever has the image has it; better mount it as /run/secrets/token"
        );
    }
    block_on(serve(loaded))
}

/// Set in the images that are built of this service.
const IN_IMAGE: &str = "EVENT_FETCHER_IMAGE";
const TOKEN_VARIABLE: &str = "environment variable TOKEN";

async fn serve(loaded: Loaded) -> Exit {
    // First of all: a stop must be heeded while the rest is still being made.
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signals(Signals::listen(), stop.clone()));
    let Loaded { config, access, .. } = loaded;
    let group_id = access.group_id;
    tracing::info!(version = VERSION.as_str(), group_id, bus = %config.bus.url, "event-fetcher starts");
    if let BusUrl::Stdout = config.bus.url {
        tracing::warn!(
            "events go to standard output: no position is kept, so what comes while this is stopped is lost"
        );
    }
    let health = Arc::new(Health::new(config.vk.wait));
    let metrics = Arc::new(Metrics::new(health.clone()));
    let made = Api::new(config.vk.clone(), access, metrics.calls.clone()).and_then(|api| {
        let long_poll = LongPoll::new(config.vk.wait)?;
        let bus = Bus::new(&config.bus, group_id, health.clone(), metrics.commits.clone())?;
        Ok((Arc::new(api), long_poll, bus))
    });
    let (api, long_poll, bus) = match made {
        Ok(made) => made,
        Err(error) => {
            tracing::error!("cannot start: {error:#}");
            return Exit::Usage;
        }
    };
    let names = Names::new(api.clone(), &config.names, &health, metrics.lookups.clone());
    let rules = Rules::from(config.converter);
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
    let served = config.http.listen.map(|address| {
        let board = Board::new(VERSION.as_str(), group_id, health.clone(), metrics.clone());
        let (board, page) = (Arc::new(board), config.http.page);
        let (health, metrics, surveyor) = (health.clone(), metrics.clone(), bus.surveyor());
        tokio::spawn(async move {
            let shown = page.then(|| board.clone());
            tokio::join!(board.keep(surveyor), http::serve(address, health, metrics, shown));
        })
    });
    let told = tokio::spawn(systemd::tell(health.clone(), stop.clone()));
    let checked = tokio::spawn({
        let (api, health) = (api.clone(), health.clone());
        async move { checkup::log_once_fetching(&api, &config.vk, &config.bus, &health).await }
    });
    let result = Box::pin(pipeline.run(&stop)).await;
    signals.abort();
    told.abort();
    checked.abort();
    if let Some(served) = served {
        served.abort();
    }
    match result {
        Ok(()) => Exit::Done,
        Err(failure) => {
            tracing::error!("{failure}");
            Exit::Refused
        }
    }
}

/// The signals that ask for a stop; from its making on none of them ends the process by itself.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let (terminate, interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }
}

/// The first SIGTERM or SIGINT asks for a stop; a second does not wait for it.
async fn stop_on_signals(signals: std::io::Result<Signals>, stop: CancellationToken) {
    let Ok(Signals { mut terminate, mut interrupt }) = signals else {
        tracing::error!("signals cannot be received here; stop this process with SIGKILL");
        return;
    };
    for times in 1.. {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if times == 1 {
            tracing::info!("stopping: committing what is on the way");
            stop.cancel();
        } else {
            tracing::warn!("stopped at once; what was not committed is fetched again");
            std::process::exit(i32::from(SECOND_SIGNAL));
        }
    }
}

/// The exit code after a second signal, as shells number an interrupt.
const SECOND_SIGNAL: u8 = 130;
