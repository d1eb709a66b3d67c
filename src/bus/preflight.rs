//! Checks Redis before the service starts: connection, login, version and settings.

use redis::{InfoDict, RedisError, RedisResult};

use crate::ops::preflight::Finding;
use crate::{
    bus::{self, BusUrl, Connector, Durability, Nodes, PermanentError, RedisUrl, ServerVersion},
    text,
};

/// Connects to Redis and checks its settings, once.
pub async fn ask(settings: &bus::Config) -> Vec<Finding> {
    match &settings.url {
        BusUrl::Redis(url) => ask_at(url, settings).await,
        BusUrl::Stdout => {
            vec![Finding::ok("events go to standard output, so there is no Redis to check")]
        }
    }
}

async fn ask_at(url: &RedisUrl, settings: &bus::Config) -> Vec<Finding> {
    let connector = match Connector::new(url, settings) {
        Ok(connector) => connector,
        Err(error) => {
            return vec![Finding::problem(format!("{error:#}"), "check bus.url and bus.tls")];
        }
    };
    match info(&connector).await {
        Ok(Nodes(nodes)) => {
            let reached = Finding::ok(format!("{url} answers and lets the service in"));
            let worst =
                [version, persistence, replicas, eviction].into_iter().filter_map(|finding| {
                    let findings =
                        nodes.iter().filter_map(|info| finding(info, settings.durability));
                    findings.max_by_key(|it| it.severity)
                });
            [reached].into_iter().chain(worst).collect()
        }
        Err(error) if error.code() == Some("NOPERM") => vec![Finding::unknown(
            format!(
                "{url} answers, but does not report its version and settings: {}",
                text::excerpt(&text::cause(&error))
            ),
            "allow the Redis user +info, or see for yourself: version 6.2 or newer, appendonly \
             yes, maxmemory-policy noeviction",
        )],
        Err(error) => vec![failure(url, &error)],
    }
}

async fn info(connector: &Connector) -> RedisResult<Nodes> {
    redis::cmd("INFO").query_async(&mut connector.connect().await?).await
}

fn version(info: &InfoDict, durability: Durability) -> Option<Finding> {
    let version = ServerVersion::of(info)?;
    Some(if durability == Durability::Aof && !version.has_waitaof() {
        Finding::problem(
            format!(
                "it is {version}, which lacks WAITAOF: with bus.durability = \"aof\" every commit fails"
            ),
            "upgrade to Redis 7.2 or newer, or to Valkey, or set bus.durability = \"none\"",
        )
    } else if version.is_too_old() {
        Finding::problem(
            format!("it is {version}, which lacks commands in use"),
            "upgrade to Redis 6.2 or newer, or to Valkey",
        )
    } else {
        Finding::ok(format!("it is {version}"))
    })
}

fn persistence(info: &InfoDict, durability: Durability) -> Option<Finding> {
    Some(if info.get::<u8>("aof_enabled")? == 1 {
        Finding::ok("appendonly is on")
    } else if durability == Durability::Aof {
        Finding::problem(
            "appendonly is off: with bus.durability = \"aof\" every commit fails",
            "set `appendonly yes` in redis.conf, or `CONFIG SET appendonly yes`",
        )
    } else {
        Finding::warning(
            "appendonly is off: a restart of Redis may lose events",
            "set `appendonly yes` in redis.conf, or `CONFIG SET appendonly yes`",
        )
    })
}

/// Counts the replicas that have the data, if `bus.durability` waits for some.
fn replicas(info: &InfoDict, durability: Durability) -> Option<Finding> {
    let Durability::Replicas(required) = durability else { return None };
    let connected: u32 = info.get("connected_slaves")?;
    let is_online = |number: &u32| {
        info.get::<String>(&format!("slave{number}")).is_some_and(|it| it.contains("state=online"))
    };
    let online = (0..connected).filter(is_online).count();
    let what = format!("{online} replicas are online, and bus.durability waits for {required}");
    Some(if online >= required as usize {
        Finding::ok(what)
    } else {
        Finding::problem(
            format!("{what}: no event is delivered"),
            "connect replicas (`redis-cli INFO replication` lists them), or lower bus.durability",
        )
    })
}

fn eviction(info: &InfoDict, _: Durability) -> Option<Finding> {
    let policy: String = info.get("maxmemory_policy")?;
    Some(if policy == "noeviction" {
        Finding::ok("maxmemory-policy is noeviction")
    } else {
        Finding::warning(
            format!(
                "maxmemory-policy is {}: Redis may drop streams when memory is short",
                text::excerpt(&policy)
            ),
            "set `maxmemory-policy noeviction` in redis.conf",
        )
    })
}

fn failure(url: &RedisUrl, error: &RedisError) -> Finding {
    match PermanentError::by(error, "to serve") {
        Some(error) => Finding::refusal(error.to_string()),
        None => Finding::problem(
            format!("{url} cannot be used: {}", text::excerpt(&text::cause(error))),
            "check bus.url, that Redis runs, and the network between",
        ),
    }
}
