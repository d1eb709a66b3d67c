//! Reads the state of the bus from Redis, for whoever operates it.

use std::time::Duration;

use redis::{FromRedisValue, ParsingError, RedisResult, Script, Value};
use tokio::time::sleep;

use super::{Config, Connection, Keys, Server};
use crate::ops::status::BusSnapshot;

/// The time between two readings.
const PERIOD: Duration = Duration::from_secs(10);
/// Likewise while Redis does not answer or nobody fetches, so that a change is soon seen.
const PERIOD_IN_TROUBLE: Duration = Duration::from_secs(2);
/// How many dead letters a snapshot lists.
const LETTERS_TOLD: usize = 5;

/// Reads the state of one community's bus from Redis.
pub struct SnapshotReader {
    server: Server,
    timeout: Duration,
    keys: Keys,
    script: Script,
    connection: Option<Connection>,
}

impl SnapshotReader {
    /// For a community; nothing is connected yet.
    #[must_use]
    pub fn new(server: Server, settings: &Config, group_id: i64) -> Self {
        Self {
            server,
            timeout: settings.timeout,
            keys: Keys::new(settings, group_id),
            script: Script::new(include_str!("lua/snapshot.lua")),
            connection: None,
        }
    }

    /// Reads again and again for as long as it is polled, and passes on each answer or error.
    pub async fn watch(&mut self, mut see: impl FnMut(RedisResult<BusSnapshot>)) {
        loop {
            let answer = self.snapshot().await;
            let is_fetched = answer.as_ref().is_ok_and(|snapshot| snapshot.holder.is_some());
            let pause = if is_fetched { PERIOD } else { PERIOD_IN_TROUBLE };
            see(answer);
            sleep(pause).await;
        }
    }

    /// Asks once. A connection that failed is not used again.
    pub async fn snapshot(&mut self) -> RedisResult<BusSnapshot> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(self.timeout, self.timeout).await?,
        };
        let Keys { position, lease, dead_letters, streams, .. } = &self.keys;
        let mut call = self.script.key(position);
        call.key(lease).key(dead_letters).key(streams).arg(LETTERS_TOLD);
        let snapshot = call.invoke_async(&mut connection).await?;
        self.connection = Some(connection);
        Ok(snapshot)
    }
}

impl FromRedisValue for BusSnapshot {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let json: Vec<u8> = redis::from_redis_value(value)?;
        // Names and reasons may be any bytes.
        serde_json::from_str(&String::from_utf8_lossy(&json))
            .map_err(|error| format!("an unknown answer of the snapshot script: {error}").into())
    }
}
