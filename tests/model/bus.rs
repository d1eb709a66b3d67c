//! Reads the bus, and restores Redis to an earlier state.

use std::collections::BTreeMap;

use harness::{Bus, RedisServer};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use serde_json::Value;

/// The content of the bus, as ids of updates.
#[derive(Debug, Default)]
pub(crate) struct OnTheBus {
    pub(crate) messages: Vec<usize>,
    pub(crate) commands: Vec<usize>,
    pub(crate) dead_letters: Vec<usize>,
    pub(crate) unrouted: u64,
    /// VK's position; none before the first commit.
    pub(crate) ts: Option<u64>,
}

pub(crate) async fn read(server: &RedisServer, group_id: i64) -> OnTheBus {
    let bus = Bus::of(server, group_id).await.unwrap();
    let texts = async |stream: &str| -> Vec<usize> {
        let id = |event: &Value| {
            event["message"]["text"].as_str().unwrap().trim_start_matches('/').parse().unwrap()
        };
        bus.events(stream).await.unwrap().iter().map(id).collect()
    };
    let dead_letter = |entry: &BTreeMap<String, String>| {
        let raw: Value = serde_json::from_str(&entry["raw"]).unwrap();
        usize::from_str_radix(raw["event_id"].as_str().unwrap(), 16).unwrap()
    };
    OnTheBus {
        messages: texts("{toaster}:message").await,
        commands: texts("{toaster}:command").await,
        dead_letters: bus.dead_letters().await.unwrap().iter().map(dead_letter).collect(),
        unrouted: bus.skipped().await.unwrap().values().sum(),
        ts: bus.position("ts").await.unwrap(),
    }
}

/// All keys, as dumps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot(Vec<(String, Vec<u8>)>);

impl Snapshot {
    pub(crate) async fn take(connection: &mut MultiplexedConnection) -> Self {
        let keys: Vec<String> = connection.keys("*").await.unwrap();
        let mut dumps = Vec::new();
        for key in keys {
            let dump = redis::cmd("DUMP").arg(&key).query_async(connection).await.unwrap();
            dumps.push((key, dump));
        }
        Self(dumps)
    }

    pub(crate) async fn restore(&self, connection: &mut MultiplexedConnection) {
        redis::cmd("FLUSHALL").exec_async(connection).await.unwrap();
        for (key, dump) in &self.0 {
            redis::cmd("RESTORE").arg(key).arg(0).arg(dump).exec_async(connection).await.unwrap();
        }
    }
}
