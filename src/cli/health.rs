//! `health`: the verdict of the running service, for Docker and scripts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::anyhow;
use clap::Args;

use super::{block_on, exit::Exit, print};
use crate::{
    config::{self, Sources},
    ops::process,
    text,
};

/// How long the service may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Ask the running service on this machine whether it is ready
///
/// Requests /readyz at http.listen and prints the answer: the verdict, the fault, and what to do.
/// The exit code is 0 if the service is ready, 1 if it is not ready or does not answer.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments;

pub(super) fn run(sources: &Sources) -> Exit {
    let settings = match config::load_without_access(sources) {
        Ok(config) => config.http,
        Err(error) => return Exit::Usage.because(error),
    };
    let Some(address) = settings.listen else {
        return Exit::Usage.because("http.listen is empty, so the service has no HTTP port to ask");
    };
    block_on(async {
        match get(address, "/readyz").await {
            Ok((ready, answer)) => match print(&answer) {
                Exit::Done if !ready => Exit::NotReady,
                printed => printed,
            },
            Err(error) => {
                Exit::NotReady.because(format!("the service does not answer at {address}: {error}"))
            }
        }
    })
}

/// Requests `path` of the service that listens at `address`; returns whether the status is a success, and
/// the body.
pub(super) async fn get(mut address: SocketAddr, path: &str) -> anyhow::Result<(bool, String)> {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    process::install_tls_provider();
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build()?;
    let answer = async {
        let response = client.get(format!("http://{address}{path}")).send().await?;
        Ok((response.status().is_success(), response.text().await?))
    };
    answer.await.map_err(|error: reqwest::Error| anyhow!(text::cause(&error)))
}
