//! The address of the bus, which may carry a password.

use std::fmt;

use figment::value::Value;
use redis::IntoConnectionInfo;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// Where events go.
#[derive(Debug, Clone)]
pub enum BusUrl {
    /// They are printed, for a look without a Redis.
    Stdout,
    /// To this Redis.
    Redis(RedisUrl),
}

/// The address of a Redis: `redis://`, `rediss://`, `unix:` or `redis+unix:`.
///
/// The redis crate is known to accept it. `Display` and `Debug` show it without its password.
#[derive(Clone)]
pub struct RedisUrl {
    full: SecretString,
    redacted: String,
    has_password: bool,
}

impl RedisUrl {
    /// The whole address, with user and password if it has them.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.full.expose_secret()
    }

    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "redis" | "rediss" | "unix" | "redis+unix") {
            return None;
        }
        let info = text.into_connection_info().ok()?;
        Some(Self {
            full: text.into(),
            redacted: redact(url)?,
            has_password: info.redis_settings().password().is_some(),
        })
    }
}

/// The address without what may be secret: the password, a user without a password (which is
/// likely a password in the wrong place), and whatever follows a `?`.
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
    /// Reads the value of `bus.url`.
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("stdout:") => Ok(Self::Stdout),
            text => text.and_then(RedisUrl::parse).map(Self::Redis).ok_or_else(|| {
                "redis://[user:password@]host[:port][/database], rediss://..., \
                     unix:/path/to/socket, or stdout: (in user and password write special \
                     characters as %XX)"
                    .to_owned()
            }),
        }
    }

    pub(super) fn has_password(&self) -> bool {
        match self {
            Self::Stdout => false,
            Self::Redis(url) => url.has_password,
        }
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
