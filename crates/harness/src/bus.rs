//! Reads the bus, independently of the service's code.

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
/// The stream of dead letters, in the default namespace.
pub const DEAD_LETTERS: &str = "{toaster}:dead-letter";
/// How long the bus may take to reach an expected position.
const DEADLINE: Duration = Duration::from_secs(120);
/// The number of entries in a page.
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

    /// A reader for a community's bus on an existing connection.
    #[must_use]
    pub fn on(connection: MultiplexedConnection, group_id: i64) -> Self {
        Self { connection, namespace: NAMESPACE.to_owned(), group_id }
    }

    /// The key with this name in the namespace.
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

    /// Passes each entry of a stream with its id to `visit`, oldest first, one page at a time.
    pub async fn each_entry(
        &self,
        stream: &str,
        mut visit: impl FnMut(String, Entry),
    ) -> anyhow::Result<()> {
        let mut connection = self.connection.clone();
        let mut from = "-".to_owned();
        loop {
            let page: Vec<(String, Entry)> =
                connection.xrange_count(stream, &from, "+", PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = format!("({last}");
            for (id, entry) in page {
                visit(id, entry);
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

    /// The number of updates not routed, by type.
    pub async fn skipped(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut connection = self.connection.clone();
        Ok(connection.hgetall(self.key(&format!("skipped:{}", self.group_id))).await?)
    }

    /// The number of events ever appended to capped streams, by type.
    pub async fn added(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut connection = self.connection.clone();
        Ok(connection.hgetall("{toaster}:added").await?)
    }

    /// A field of the position's hash; none if it is not set.
    pub async fn position(&self, field: &str) -> anyhow::Result<Option<u64>> {
        let mut connection = self.connection.clone();
        Ok(connection.hget(self.position_key(), field).await?)
    }

    /// All fields of the position's hash.
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

    /// Waits until the position is exactly `ts`, which may be lower than before.
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
