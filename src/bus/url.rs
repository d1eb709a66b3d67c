//! The address of the bus, which may carry a password.

use std::fmt;

use redis::{ConnectionInfo, IntoConnectionInfo};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// Where events go.
#[derive(Debug, Clone)]
pub enum BusUrl {
    /// To standard output.
    Stdout,
    /// To this Redis.
    Redis(RedisUrl),
}

/// The address of Redis, validated by the redis crate. `Display` and `Debug` omit the password.
#[derive(Clone)]
pub struct RedisUrl {
    topology: Topology,
    redacted: String,
}

/// The servers of a Redis deployment. Each address includes the login.
#[derive(Debug, Clone)]
pub enum Topology {
    /// One server.
    Single(SecretString),
    /// The master that sentinels name.
    Sentinel {
        /// The sentinels' addresses.
        sentinels: Vec<SecretString>,
        /// The master's name in the sentinels' configuration.
        master: String,
    },
    /// Some or all nodes of a Redis Cluster.
    Cluster(Vec<SecretString>),
}

impl RedisUrl {
    /// The servers.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        match scheme {
            "redis" | "rediss" | "unix" | "redis+unix" => Self::single(text),
            "redis+sentinel" | "rediss+sentinel" => Self::sentinel(scheme, rest),
            "redis+cluster" | "rediss+cluster" => Self::cluster(scheme, rest),
            _ => None,
        }
    }

    fn single(text: &str) -> Option<Self> {
        check(text)?;
        let redacted = redact(Url::parse(text).ok()?)?;
        Some(Self { topology: Topology::Single(text.into()), redacted })
    }

    fn sentinel(scheme: &str, rest: &str) -> Option<Self> {
        let Servers { urls, path, hosts } = Servers::parse(scheme, rest)?;
        let (master, database) = path.split_once('/').unwrap_or((path, ""));
        if master.is_empty() {
            return None;
        }
        let urls: Vec<_> = urls.iter().map(|url| format!("{url}/{database}")).collect();
        let topology = Topology::Sentinel { sentinels: secret(&urls)?, master: master.to_owned() };
        Some(Self { topology, redacted: format!("{scheme}://{hosts}/{path}") })
    }

    fn cluster(scheme: &str, rest: &str) -> Option<Self> {
        let Servers { urls, path, hosts } = Servers::parse(scheme, rest)?;
        if !path.is_empty() {
            return None;
        }
        let topology = Topology::Cluster(secret(&urls)?);
        Some(Self { topology, redacted: format!("{scheme}://{hosts}") })
    }
}

/// Several servers in one address: `//[login@]host:port,host:port[/path]`.
struct Servers<'a> {
    /// Each server's own address, without a path.
    urls: Vec<String>,
    path: &'a str,
    hosts: &'a str,
}

impl<'a> Servers<'a> {
    fn parse(scheme: &str, rest: &'a str) -> Option<Self> {
        // Only the login is removed before the address is displayed, so a query, which may contain secrets, is
        // not allowed.
        if rest.contains(['?', '#']) {
            return None;
        }
        let (scheme, _) = scheme.split_once('+')?;
        let (servers, path) = {
            let rest = rest.strip_prefix("//")?;
            rest.split_once('/').unwrap_or((rest, ""))
        };
        let (login, hosts) = match servers.rsplit_once('@') {
            Some((login, hosts)) => (format!("{login}@"), hosts),
            None => (String::new(), servers),
        };
        let urls = hosts.split(',').map(|host| format!("{scheme}://{login}{host}")).collect();
        Some(Self { urls, path, hosts })
    }
}

fn check(url: &str) -> Option<ConnectionInfo> {
    url.into_connection_info().ok()
}

fn secret(urls: &[String]) -> Option<Vec<SecretString>> {
    urls.iter().map(|url| check(url).map(|_| url.as_str().into())).collect()
}

/// Removes what may be secret: the password, a user without a password (likely a password in the wrong
/// place), and the query.
fn redact(mut url: Url) -> Option<String> {
    if url.password().is_some() {
        url.set_password(Some("***")).ok()?;
    } else if !url.username().is_empty() {
        url.set_username("***").ok()?;
    }
    url.set_query(None);
    Some(url.to_string())
}

impl BusUrl {
    /// The accepted values of `bus.url`, for error messages.
    pub(super) const EXPECTED: &str = "redis://[user:password@]host[:port][/database], \
         rediss://..., unix:/path/to/socket, redis+sentinel://host:port,host:port/master[/database], \
         redis+cluster://host:port,host:port, or stdout: (in user and password write special \
         characters as %XX)";

    /// Parses the value of `bus.url`; none if it is not one of [`Self::EXPECTED`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "stdout:" => Some(Self::Stdout),
            text => RedisUrl::parse(text).map(Self::Redis),
        }
    }

    /// Whether the two are equal, passwords included.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.to_string() == other.to_string() && self.any_address() == other.any_address()
    }

    pub(crate) fn has_password(&self) -> bool {
        let login = check(self.any_address());
        login.is_some_and(|login| login.redis_settings().password().is_some())
    }

    fn any_address(&self) -> &str {
        match self {
            Self::Stdout => "",
            Self::Redis(url) => url.topology.any_address(),
        }
    }

    /// Whether this is a Redis Cluster.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Redis(RedisUrl { topology: Topology::Cluster(_), .. }))
    }
}

impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout:"),
            Self::Redis(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Topology {
    /// The first address. All have the same login, database and scheme.
    #[must_use]
    pub fn any_address(&self) -> &str {
        match self {
            Self::Single(url) => url.expose_secret(),
            Self::Sentinel { sentinels: urls, .. } | Self::Cluster(urls) => {
                urls.first().map_or("", ExposeSecret::expose_secret)
            }
        }
    }
}
