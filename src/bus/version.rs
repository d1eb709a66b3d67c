//! The server's name and version, from `INFO`.

use std::fmt;

use redis::{FromRedisValue, InfoDict, ParsingError, Value};

use crate::text;

/// The oldest Redis that has all commands in use.
const OLDEST: (u32, u32) = (6, 2);

/// The reply of `INFO`: of one server, or of each node of a cluster.
pub(super) struct Nodes(pub(super) Vec<InfoDict>);

impl FromRedisValue for Nodes {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let nodes = match value {
            Value::Map(nodes) => nodes.into_iter().map(|(_, info)| info).collect(),
            info => vec![info],
        };
        Ok(Self(nodes.into_iter().map(redis::from_redis_value).collect::<Result<_, _>>()?))
    }
}

/// The name and version of a server that speaks Redis' protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    name: &'static str,
    version: String,
    /// The compatible version of Redis.
    redis: (u32, u32),
}

impl ServerVersion {
    /// From the reply of `INFO`; none if the version is not in it.
    #[must_use]
    pub fn of(info: &InfoDict) -> Option<Self> {
        let compatible: String = info.get("redis_version")?;
        let mut numbers = compatible.split('.').map_while(|number| number.parse().ok());
        let redis = (numbers.next()?, numbers.next()?);
        let field = |name: &str| info.get::<String>(name);
        // KeyDB reports its own version as that of Redis; only the executable identifies it.
        let is_keydb = field("executable").is_some_and(|path| path.ends_with("keydb-server"));
        let (name, version) = match (field("valkey_version"), field("dragonfly_version")) {
            (Some(version), _) => ("Valkey", version),
            (None, Some(version)) => ("Dragonfly", version),
            (None, None) if is_keydb => ("KeyDB", compatible),
            (None, None) => ("Redis", compatible),
        };
        Some(Self { name, version: text::excerpt(&version), redis })
    }

    /// Whether the server has `WAITAOF`, which `bus.durability = "aof"` uses.
    #[must_use]
    pub fn has_waitaof(&self) -> bool {
        self.redis >= (7, 2)
    }

    /// Whether the server is too old for the commands in use.
    #[must_use]
    pub fn is_too_old(&self) -> bool {
        self.redis < OLDEST
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(info: &str) -> Option<ServerVersion> {
        let info = Value::BulkString(info.as_bytes().to_vec());
        ServerVersion::of(&redis::from_redis_value(info).unwrap())
    }

    #[test]
    fn servers_are_named_and_compared_by_their_compatible_redis() {
        for (info, named, too_old) in [
            ("redis_version:6.0.16\r\n", "Redis 6.0.16", true),
            ("redis_version:6.2.14\r\n", "Redis 6.2.14", false),
            ("redis_version:7.0.15\r\n", "Redis 7.0.15", false),
            ("redis_version:10.0.0\r\n", "Redis 10.0.0", false),
            (
                "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n",
                "Valkey 8.1.1",
                false,
            ),
            ("redis_version:6.3.4\r\nexecutable:/usr/bin/keydb-server\r\n", "KeyDB 6.3.4", false),
        ] {
            let version = version(info).unwrap();
            assert_eq!((version.to_string().as_str(), version.is_too_old()), (named, too_old));
        }
        assert_eq!(version("uptime_in_seconds:5\r\n"), None);
    }
}
