//! Asking the service that runs on this machine.

use std::{net::SocketAddr, time::Duration};

/// How long the service may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// What it answers to a request for `path`, and whether that is a success. It listens at `address`.
pub(super) async fn ask(mut address: SocketAddr, path: &str) -> anyhow::Result<(bool, String)> {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
    crate::ops::tls::install_provider();
    let response = http.build()?.get(format!("http://{address}{path}")).send().await?;
    Ok((response.status().is_success(), response.text().await?))
}
