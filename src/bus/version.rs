//! Which server it is, by its own word.

use std::fmt;

use redis::{FromRedisValue, InfoDict, ParsingError, Value};

/// The oldest version of Redis that has all commands in use.
const OLDEST: (u32, u32) = (6, 2);

/// What one server says of itself (`INFO`), or each node of a cluster.
pub struct Nodes(pub Vec<InfoDict>);

impl FromRedisValue for Nodes {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let nodes = match value {
            Value::Map(nodes) => nodes.into_iter().map(|(_, info)| info).collect(),
            info => vec![info],
        };
        Ok(Self(nodes.into_iter().map(redis::from_redis_value).collect::<Result<_, _>>()?))
    }
}

/// A server's name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    name: &'static str,
    version: String,
    /// The version of Redis that it is, or is compatible with.
    redis: (u32, u32),
}

impl ServerVersion {
    /// What `INFO` says of it; none where it does not.
    #[must_use]
    pub fn of(info: &InfoDict) -> Option<Self> {
        let compatible: String = info.get("redis_version")?;
        let mut numbers = compatible.split('.').map_while(|number| number.parse().ok());
        let redis = (numbers.next()?, numbers.next()?);
        let field = |name: &str| info.get::<String>(name);
        // KeyDB gives its own version for Redis', and nothing else that tells it from Redis.
        let is_keydb = field("executable").is_some_and(|path| path.ends_with("keydb-server"));
        let (name, version) = match (field("valkey_version"), field("dragonfly_version")) {
            (Some(version), _) => ("Valkey", version),
            (None, Some(version)) => ("Dragonfly", version),
            (None, None) if is_keydb => ("KeyDB", compatible),
            (None, None) => ("Redis", compatible),
        };
        Some(Self { name, version, redis })
    }

    /// Whether it lacks commands in use because of its age.
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
    fn a_server_is_named_and_judged_by_the_redis_it_is_like() {
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
