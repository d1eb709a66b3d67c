//! `run`: the service.

use std::io;

use super::{block_on, exit::Exit};
use crate::{
    bus::{BusUrl, CommitError},
    config::{self, Loaded, Sources},
    ops::{
        process,
        telemetry::{self, Output},
    },
    pipeline::Failure,
    service::{self, Error},
    text,
};

/// Set in the container images of this service.
const IN_IMAGE: &str = "EVENT_FETCHER_IMAGE";
/// The source of a token that is the value of an environment variable.
const TOKEN_VARIABLE: &str = "environment variable TOKEN";

/// Runs the service; `hidden` is the result of hiding the process's memory.
pub(super) fn run(sources: &Sources, hidden: io::Result<()>) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let level = match telemetry::start(&loaded.config.log, log_output(&loaded)) {
        Ok(level) => level,
        Err(error) => return Exit::Usage.because(error),
    };
    prepare_process(hidden);
    if sources.vars.contains_key(IN_IMAGE) && loaded.origin("vk.token") == Some(TOKEN_VARIABLE) {
        tracing::warn!(
            "the token comes from the environment of a container: if docker build received it, everybody \
             who has the image has the token; mount the token as /run/secrets/token instead"
        );
    }
    block_on(async {
        match service::run(loaded, sources.clone(), level).await {
            Ok(()) => Exit::Done,
            Err(Error::Permanent(Failure::Bus(CommitError::StdoutClosed(error)))) => {
                Exit::unwritten(&error)
            }
            Err(error) => {
                tracing::error!("{error}");
                match error {
                    Error::Signals(_) => Exit::Bug,
                    Error::Build(_) => Exit::Usage,
                    Error::Permanent(_) => Exit::PermanentError,
                }
            }
        }
    })
}

/// Standard output, unless the events go there.
fn log_output(loaded: &Loaded) -> Output {
    match loaded.config.bus.url {
        BusUrl::Stdout => Output::Stderr,
        BusUrl::Redis(_) => Output::Stdout,
    }
}

fn prepare_process(hidden: io::Result<()>) {
    if let Err(error) = hidden {
        let error = text::cause(&error);
        tracing::debug!(error, "core dumps cannot be disabled: one would contain the token");
    }
    if let Err(error) = process::raise_descriptor_limit() {
        let error = text::cause(&error);
        tracing::debug!(error, "the limit of open files cannot be raised");
    }
}
