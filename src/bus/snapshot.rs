//! Reads the state of the bus from Redis, for the status commands, the page and the metrics.

use std::time::Duration;

use redis::{FromRedisValue, ParsingError, RedisResult, Script, Value};
use tokio::time::sleep;

use super::{Config, Connection, Connector, Keys};
use crate::ops::status::BusSnapshot;

/// The interval between two snapshots.
const INTERVAL: Duration = Duration::from_secs(10);
/// The interval while Redis fails or nobody holds the lease, so that a recovery shows soon.
const INTERVAL_WHILE_FAILING: Duration = Duration::from_secs(2);
/// How many dead letters a snapshot lists.
const LETTERS_LISTED: usize = 5;

/// Reads the state of one community's bus from Redis.
pub struct SnapshotReader {
    connector: Connector,
    keys: Keys,
    script: Script,
    connection: Option<Connection>,
}

impl SnapshotReader {
    /// Connects at the first snapshot.
    #[must_use]
    pub fn new(connector: Connector, settings: &Config, group_id: i64) -> Self {
        Self {
            connector,
            keys: Keys::new(settings, group_id),
            script: Script::new(include_str!("lua/snapshot.lua")),
            connection: None,
        }
    }

    /// Reads a snapshot every few seconds while polled, and passes each result to `report`.
    pub async fn watch(&mut self, mut report: impl FnMut(RedisResult<BusSnapshot>)) {
        loop {
            let result = self.snapshot().await;
            let is_fetched = result.as_ref().is_ok_and(|snapshot| snapshot.holder.is_some());
            report(result);
            sleep(if is_fetched { INTERVAL } else { INTERVAL_WHILE_FAILING }).await;
        }
    }

    /// Reads one snapshot. A connection on which this failed is not used again.
    ///
    /// # Errors
    /// Redis is unreachable, returned an error, or did not reply in time.
    pub async fn snapshot(&mut self) -> RedisResult<BusSnapshot> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        let Keys { position, lease, dead_letters, streams, .. } = &self.keys;
        let mut call = self.script.key(position);
        call.key(lease).key(dead_letters).key(streams).arg(LETTERS_LISTED);
        let snapshot = call.invoke_async(&mut connection).await?;
        self.connection = Some(connection);
        Ok(snapshot)
    }
}

impl FromRedisValue for BusSnapshot {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let json: Vec<u8> = redis::from_redis_value(value)?;
        // Group names and reasons may contain any bytes.
        serde_json::from_str(&String::from_utf8_lossy(&json))
            .map_err(|error| format!("unknown reply of snapshot.lua: {error}").into())
    }
}
