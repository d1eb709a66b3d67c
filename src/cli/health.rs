//! `health`: asks the running service, for Docker and scripts.

use clap::Args;

use super::{block_on, exit::Exit, print, service};
use crate::config::{self, Sources};

/// Ask the service that runs on this machine whether it does its work
///
/// Prints its answer; exit code 0 when it is ready, 1 when it is not or does not answer. The port is
/// that of http.listen.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments;

pub(super) fn run(sources: &Sources) -> Exit {
    let settings = match config::load_without_access(sources) {
        Ok(config) => config.http,
        Err(error) => return Exit::Usage.because(error),
    };
    let Some(address) = settings.listen else {
        return Exit::Usage.because("http.listen is empty: the service does not tell its health");
    };
    block_on(async {
        match service::ask(address, "/readyz").await {
            Ok((ready, answer)) => {
                print(&answer);
                if ready { Exit::Done } else { Exit::NotReady }
            }
            Err(error) => Exit::NotReady.because(format!("no answer from {address}: {error}")),
        }
    })
}
