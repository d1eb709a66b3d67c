//! The bus of one community on Redis.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, atomic::AtomicU64},
};

use prometheus_client::metrics::counter::Counter;
use redis::{FromRedisValue, ParsingError, Value};

use super::{
    CommitError, Config, Connector, LeaseTerm, Position, RedisUrl, SnapshotReader, StreamEntry,
    commit::RedisCommitter, retrying::RetryingConnection, scripts::Scripts,
};
use crate::{
    event::Event,
    ops::{health::Health, metrics::Commits},
    ts::Ts,
};

/// The bus of one community on Redis, as one instance of the service uses it. The lease is in
/// `lease.rs`, the commits are in `commit.rs`.
pub struct RedisBus {
    connector: Connector,
    pub(super) settings: Config,
    group_id: i64,
    /// This instance's unique name, as the holder of the lease.
    pub(super) instance: String,
    pub(super) scripts: Scripts,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Commits,
    /// The generation of the last commit of this lease term.
    pub(super) committed: AtomicU64,
}

impl RedisBus {
    /// Does not connect yet.
    pub(super) fn new(
        url: &RedisUrl,
        settings: &Config,
        group_id: i64,
        health: Arc<Health>,
        metrics: Commits,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            connector: Connector::new(url, settings)?,
            settings: settings.clone(),
            group_id,
            instance: instance_name(),
            health,
            metrics,
            committed: AtomicU64::new(0),
            scripts: Scripts::new(settings, group_id),
        })
    }

    pub(super) fn connection(&self, retries: &Counter) -> RetryingConnection {
        let (connector, health) = (self.connector.clone(), self.health.clone());
        RetryingConnection::new(connector, self.settings.timeout, health, retries.clone())
    }

    pub(super) fn snapshot_reader(&self) -> SnapshotReader {
        SnapshotReader::new(self.connector.clone(), &self.settings, self.group_id)
    }

    pub(super) fn entry(&self, event: &Event, unique: bool) -> StreamEntry {
        self.scripts.entry(event, unique)
    }

    pub(super) fn committer(&self, term: &LeaseTerm) -> RedisCommitter<'_> {
        RedisCommitter::new(self, term)
    }
}

/// A script's reply: a status, and values whose number and types depend on it.
pub(super) struct Reply {
    pub(super) status: String,
    pub(super) values: Vec<Value>,
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let values: Vec<Value> = redis::from_redis_value(value)?;
        let mut values = values.into_iter();
        let status = redis::from_redis_value(values.next().unwrap_or(Value::Nil))?;
        Ok(Self { status, values: values.collect() })
    }
}

impl CommitError {
    /// From the values of a `ROLLED_BACK` reply: the stored generation and `ts`.
    pub(super) fn rolled_back(values: Vec<Value>) -> Result<Self, ParsingError> {
        let (generation, ts): (String, String) = redis::from_redis_value(Value::Array(values))?;
        Ok(Self::RolledBack(parse_position(&generation, &ts)?))
    }
}

/// A stored position; both fields are empty before the first commit.
pub(super) fn parse_position(generation: &str, ts: &str) -> Result<Option<Position>, ParsingError> {
    if generation.is_empty() && ts.is_empty() {
        return Ok(None);
    }
    match (generation.parse(), ts.parse().ok().map(|ts: u64| Ts::try_from(ts))) {
        (Ok(generation), Some(Ok(ts))) => Ok(Some(Position { generation, ts })),
        _ => Err("the stored position is not two whole numbers, or they are too large".into()),
    }
}

/// Host name, process id, and a random number.
fn instance_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let random = RandomState::new().hash_one(std::process::id());
    format!("{}/{}/{random:016x}", host.trim(), std::process::id())
}
