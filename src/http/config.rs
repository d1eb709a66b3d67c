//! The section `[http]`.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer};

use crate::setting::{boolean, text, texts};

/// The HTTP port of health, metrics and the page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on; none for no port.
    #[serde(deserialize_with = "listen")]
    pub listen: Option<SocketAddr>,
    /// Whether `/` and `/status.json` are served.
    #[serde(deserialize_with = "boolean")]
    pub page: bool,
    /// Further host names under which `/` and `/status.json` answer; none of them is empty.
    #[serde(deserialize_with = "texts")]
    pub hosts: Vec<String>,
}

fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let expected = "an IP address with a port, such as \"0.0.0.0:8080\", or \"\" for none";
    text(from, expected, |text| match text {
        "" => Some(None),
        address => address.parse().ok().map(Some),
    })
}
