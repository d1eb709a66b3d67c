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
    /// The address of each server, with the login. All have the same login, database and scheme.
    servers: Vec<SecretString>,
    topology: Topology,
    redacted: String,
}

/// What the servers of a Redis deployment are.
#[derive(Debug, Clone)]
pub enum Topology {
    /// One server.
    Single,
    /// The sentinels that name the master, which has this name in their configuration.
    Sentinel(String),
    /// Some or all nodes of a Redis Cluster.
    Cluster,
}

impl RedisUrl {
    /// What the servers are.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The address of each server.
    pub(super) fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers.iter().map(ExposeSecret::expose_secret)
    }

    /// The first address.
    pub(crate) fn any_address(&self) -> &str {
        self.servers().next().unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let (topology, urls, redacted) = match scheme {
            "redis" | "rediss" | "unix" | "redis+unix" => {
                (Topology::Single, vec![text.to_owned()], redact(Url::parse(text).ok()?)?)
            }
            "redis+sentinel" | "rediss+sentinel" => {
                let Servers { urls, path, hosts } = Servers::parse(scheme, rest)?;
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return None;
                }
                let urls = urls.iter().map(|url| format!("{url}/{database}")).collect();
                (Topology::Sentinel(master.to_owned()), urls, format!("{scheme}://{hosts}/{path}"))
            }
            "redis+cluster" | "rediss+cluster" => {
                let Servers { urls, path: "", hosts } = Servers::parse(scheme, rest)? else {
                    return None;
                };
                (Topology::Cluster, urls, format!("{scheme}://{hosts}"))
            }
            _ => return None,
        };
        let servers = urls.into_iter().map(|url| check(&url).map(|_| url.into()));
        Some(Self { servers: servers.collect::<Option<_>>()?, topology, redacted })
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
            Self::Redis(url) => url.any_address(),
        }
    }

    /// Whether this is a Redis Cluster.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Redis(RedisUrl { topology: Topology::Cluster, .. }))
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
