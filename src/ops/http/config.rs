//! The section `[http]`.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, de::Error};

use crate::setting::{boolean, text};

/// The HTTP port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on; none for no port.
    #[serde(deserialize_with = "listen")]
    pub listen: Option<SocketAddr>,
    /// Whether `/` and `/status.json` are served.
    #[serde(deserialize_with = "boolean")]
    pub page: bool,
    /// Further host names under which `/` and `/status.json` are served, without scheme or port.
    #[serde(deserialize_with = "hosts")]
    pub hosts: Vec<String>,
}

fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let expected = "an IP address with a port, such as \"0.0.0.0:8080\", or \"\" for none";
    text(from, expected, |text| match text {
        "" => Some(None),
        address => address.parse().ok().map(Some),
    })
}

fn hosts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = |text: &String| !text.is_empty() && text.bytes().all(fits);
    let expected = "a list of host names in quotes, without scheme or port, \
                    such as [\"fetcher.example\"]";
    let names = Vec::<String>::deserialize(from).ok();
    let names = names.filter(|names| names.iter().all(is_name));
    names.ok_or_else(|| Error::custom(expected))
}
