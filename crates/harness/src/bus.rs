//! What is on the bus, read by another hand than the service's.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::RedisServer;

/// The streams of the four event types, in the default namespace.
pub const STREAMS: [&str; 4] =
    ["{toaster}:message", "{toaster}:command", "{toaster}:button", "{toaster}:reaction"];
const NAMESPACE: &str = "toaster";
/// The stream of what could not become an event.
pub const DEAD_LETTERS: &str = "{toaster}:dead-letter";
/// How long the bus may take to reach what is awaited: far beyond what it should.
const DEADLINE: Duration = Duration::from_secs(120);
/// Entries read at once.
const PAGE: usize = 5000;

/// A reader of the bus.
#[derive(Debug, Clone)]
pub struct Bus {
    connection: MultiplexedConnection,
    namespace: String,
    group_id: i64,
}

/// A stream entry's fields.
pub type Entry = BTreeMap<String, String>;

impl Bus {
    /// A reader for a community's bus in the default namespace.
    pub async fn of(server: &RedisServer, group_id: i64) -> anyhow::Result<Self> {
        Self::within(server, NAMESPACE, group_id).await
    }

    /// A reader for a community's bus in a namespace.
    pub async fn within(
        server: &RedisServer,
        namespace: &str,
        group_id: i64,
    ) -> anyhow::Result<Self> {
        let connection = server.connect().await?;
        Ok(Self { connection, namespace: namespace.to_owned(), group_id })
    }

    /// A reader for a community's bus by a connection that is there already.
    #[must_use]
    pub fn on(connection: MultiplexedConnection, group_id: i64) -> Self {
        Self { connection, namespace: NAMESPACE.to_owned(), group_id }
    }

    /// The key that has this name in the namespace.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.namespace)
    }

    /// All entries of a stream, oldest first.
    pub async fn entries(&self, stream: &str) -> anyhow::Result<Vec<Entry>> {
        let mut connection = self.connection.clone();
        let entries: Vec<(String, Entry)> = connection.xrange_all(stream).await?;
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Hands each entry of a stream with its id to `take`, oldest first, without holding them all.
    pub async fn each_entry(
        &self,
        stream: &str,
        mut take: impl FnMut(String, Entry),
    ) -> anyhow::Result<()> {
        let mut connection = self.connection.clone();
        let mut from = "-".to_owned();
        loop {
            let page: Vec<(String, Entry)> =
                connection.xrange_count(stream, &from, "+", PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = format!("({last}");
            for (id, entry) in page {
                take(id, entry);
            }
        }
    }

    /// The events of a stream, oldest first.
    pub async fn events(&self, stream: &str) -> anyhow::Result<Vec<Value>> {
        let entries = self.entries(stream).await?;
        let event = |entry: &Entry| {
            Ok(serde_json::from_str(entry.get("data").context("an entry without data")?)?)
        };
        entries.iter().map(event).collect()
    }

    /// The dead letters, oldest first.
    pub async fn dead_letters(&self) -> anyhow::Result<Vec<Entry>> {
        self.entries(&self.key("dead-letter")).await
    }

    /// How many updates of each type were not routed.
    pub async fn skipped(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut connection = self.connection.clone();
        Ok(connection.hgetall(self.key(&format!("skipped:{}", self.group_id))).await?)
    }

    /// How many events of each type ever went into a stream that has a cap.
    pub async fn added(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut connection = self.connection.clone();
        Ok(connection.hgetall("{toaster}:added").await?)
    }

    /// A field of the position; none where there is none.
    pub async fn position(&self, field: &str) -> anyhow::Result<Option<u64>> {
        let mut connection = self.connection.clone();
        Ok(connection.hget(self.position_key(), field).await?)
    }

    /// All that is stored with the position.
    pub async fn whole_position(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut connection = self.connection.clone();
        Ok(connection.hgetall(self.position_key()).await?)
    }

    fn position_key(&self) -> String {
        self.key(&format!("position:{}", self.group_id))
    }

    /// Waits until everything up to `ts` is committed.
    pub async fn reaches(&self, ts: u64) -> anyhow::Result<()> {
        self.until(&format!("reach {ts}"), |at| at >= ts).await
    }

    /// Waits until `ts` is the position, also where VK's numbers went back.
    pub async fn stands_at(&self, ts: u64) -> anyhow::Result<()> {
        self.until(&format!("come to {ts}"), |at| at == ts).await
    }

    /// Waits until there is a position.
    pub async fn has_a_position(&self) -> anyhow::Result<()> {
        self.until("come to be", |_| true).await
    }

    async fn until(&self, what: &str, there: impl Fn(u64) -> bool) -> anyhow::Result<()> {
        let end = Instant::now() + DEADLINE;
        loop {
            let at = self.position("ts").await?;
            if at.is_some_and(&there) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the position is {at:?} and does not {what}");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}
