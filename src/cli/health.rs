//! `health`: asks the running service, for Docker and scripts.

use std::{net::SocketAddr, time::Duration};

use clap::Args;

use super::{block_on, exit::Exit, print};
use crate::config::{self, Sources};

/// How long the service may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);

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
        match ask(address).await {
            Ok((ready, answer)) => {
                print(&answer);
                if ready { Exit::Done } else { Exit::NotReady }
            }
            Err(error) => Exit::NotReady.because(format!("no answer from {address}: {error}")),
        }
    })
}

async fn ask(mut address: SocketAddr) -> anyhow::Result<(bool, String)> {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
    crate::tls::install_provider();
    let response = http.build()?.get(format!("http://{address}/readyz")).send().await?;
    Ok((response.status().is_success(), response.text().await?))
}
