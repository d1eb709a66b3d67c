//! Lists, removes and requeues dead letters: updates that could not be converted to events.

use std::{slice, sync::Arc};

use prometheus_client::metrics::counter::Counter;
use redis::{
    AsyncCommands, FromRedisValue, RedisResult, Value,
    streams::{StreamId, StreamRangeReply},
};

use super::{
    Config, Connection, Connector, EntryId, Keys, PermanentError, StreamEntry,
    retrying::RetryingConnection,
    scripts::{Scripts, parse_reply},
};
use crate::{event::Event, ops::health::Health};

/// The number of dead letters in a page.
const PAGE_SIZE: usize = 200;

/// A dead letter on the bus. Its texts are not trusted: they may contain anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The entry's id.
    pub id: EntryId,
    /// The community.
    pub group_id: String,
    /// VK's position after it.
    pub ts: String,
    /// Why the update could not be converted.
    pub reason: String,
    /// The update as VK sent it.
    pub raw: String,
}

/// The result of requeuing a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requeued {
    /// The event is on the bus, and the dead letter is removed.
    Requeued,
    /// The event was on the bus already; the dead letter is removed.
    Duplicate,
    /// The dead letter does not exist: another process requeued or removed it, or a reply was lost.
    Gone,
    /// The dead letter stays: the event's stream is full, and a consumer group has yet to read it.
    StreamFull {
        /// The stream.
        stream: String,
        /// The consumer group.
        group: String,
    },
}

/// The dead letters of a namespace.
pub struct DeadLetters {
    connection: Connection,
    key: String,
}

impl DeadLetters {
    /// Connects to Redis.
    ///
    /// # Errors
    /// Redis is unreachable or rejected the login.
    pub async fn open(connector: &Connector, settings: &Config) -> RedisResult<Self> {
        let connection = connector.connect().await?;
        // The key of dead letters is the same for all communities of a namespace.
        Ok(Self { connection, key: Keys::new(settings, 0).dead_letters })
    }

    /// The page of dead letters after `after`, oldest first; empty at the end.
    ///
    /// # Errors
    /// Redis is unreachable or returned an error.
    pub async fn page(&mut self, after: Option<EntryId>) -> RedisResult<Vec<Letter>> {
        let start = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        let reply: StreamRangeReply =
            self.connection.xrange_count(&self.key, start, "+", PAGE_SIZE).await?;
        Ok(reply.ids.iter().filter_map(letter).collect())
    }

    /// The dead letter with this id.
    ///
    /// # Errors
    /// Redis is unreachable or returned an error.
    pub async fn get(&mut self, id: EntryId) -> RedisResult<Option<Letter>> {
        let id = id.to_string();
        let reply: StreamRangeReply = self.connection.xrange(&self.key, &id, &id).await?;
        Ok(reply.ids.first().and_then(letter))
    }

    /// Removes a dead letter. Returns false if it did not exist.
    ///
    /// # Errors
    /// Redis is unreachable or returned an error.
    pub async fn drop(&mut self, id: EntryId) -> RedisResult<bool> {
        let dropped: u64 = self.connection.xdel(&self.key, &[id.to_string()]).await?;
        Ok(dropped > 0)
    }
}

fn letter(entry: &StreamId) -> Option<Letter> {
    let field = |name: &str| {
        let bytes: Vec<u8> = entry.get(name).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Some(Letter {
        id: entry.id.parse().ok()?,
        group_id: field("group_id"),
        ts: field("ts"),
        reason: field("reason"),
        raw: field("raw"),
    })
}

/// Replaces dead letters of one community by events.
pub struct Requeuer {
    connection: RetryingConnection,
    scripts: Scripts,
}

impl Requeuer {
    /// Connects at the first call.
    #[must_use]
    pub fn new(
        connector: Connector,
        settings: &Config,
        group_id: i64,
        health: Arc<Health>,
    ) -> Self {
        let connection = RetryingConnection::new(connector, health, Counter::default());
        Self { connection, scripts: Scripts::new(settings, group_id) }
    }

    /// Encodes an event as the bus carries it.
    #[must_use]
    pub fn entry(&self, event: &Event, unique: bool) -> StreamEntry {
        self.scripts.entry(event, unique)
    }

    /// Delivers `entry` and removes the dead letter it was converted from, both or neither. Retries
    /// transient errors without limit.
    ///
    /// # Errors
    /// Redis returned a permanent error.
    pub async fn requeue(
        &mut self,
        id: EntryId,
        entry: &StreamEntry,
    ) -> Result<Requeued, PermanentError> {
        let mut call = self.scripts.requeue();
        call.arg(id.to_string());
        self.scripts.add_entries(&mut call, slice::from_mut(&mut entry.clone()));
        self.connection.run("a dead letter's return", &call).await
    }
}

impl FromRedisValue for Requeued {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        parse_reply(value, |reply| match *reply {
            ["REQUEUED"] => Some(Self::Requeued),
            ["DUPLICATE"] => Some(Self::Duplicate),
            ["GONE"] => Some(Self::Gone),
            ["STREAM_FULL", stream, group] => {
                Some(Self::StreamFull { stream: stream.to_owned(), group: group.to_owned() })
            }
            _ => None,
        })
    }
}
