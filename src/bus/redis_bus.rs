//! The bus of one community on Redis.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, atomic::AtomicU64},
};

use prometheus_client::metrics::counter::Counter;

use super::{
    Config, Connector, RedisUrl, SnapshotReader, retrying::RetryingConnection, scripts::Scripts,
};
use crate::ops::{health::Health, metrics::Commits};

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
        RetryingConnection::new(connector, health, retries.clone())
    }

    pub(super) fn snapshot_reader(&self) -> SnapshotReader {
        SnapshotReader::new(self.connector.clone(), &self.settings, self.group_id)
    }
}

/// Host name, process id, and a random number.
fn instance_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let random = RandomState::new().hash_one(std::process::id());
    format!("{}/{}/{random:016x}", host.trim(), std::process::id())
}
