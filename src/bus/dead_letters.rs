//! The updates that could not become events, for those who look after them.

use std::{slice, sync::Arc};

use prometheus_client::metrics::counter::Counter;
use redis::{
    AsyncCommands, FromRedisValue, RedisResult, Value,
    streams::{StreamId, StreamRangeReply},
};

use super::{
    Config, Connection, Entry, EntryId, Keys, PermanentError, Server, link::Link, scripts::Scripts,
};
use crate::{event::Event, ops::health::Health};

/// The most letters read at once.
const LETTERS_A_PAGE: usize = 200;

/// A dead letter as it stands on the bus. Its texts are others' and may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its place in the stream.
    pub id: EntryId,
    /// The community.
    pub group_id: String,
    /// VK's position after it.
    pub ts: String,
    /// Why it could not become an event.
    pub reason: String,
    /// The update as VK sent it.
    pub raw: String,
}

/// What became of a letter that was to be an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requeued {
    /// It is an event now.
    Done,
    /// The event was on the bus already; the letter is removed.
    Repeat,
    /// The letter is not there any more: someone else was faster, or an answer was lost.
    Gone,
    /// It stays: its stream is full of what a consumer group has yet to read.
    Full {
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
    /// Connects to them.
    pub async fn open(server: &Server, settings: &Config) -> RedisResult<Self> {
        let connection = server.connect(settings.timeout, settings.timeout).await?;
        // Letters belong to the namespace, not to one of the communities in it.
        Ok(Self { connection, key: Keys::new(settings, 0).dead_letters })
    }

    /// The oldest letters after `after`, as many as are read at once; none at the end.
    pub async fn page(&mut self, after: Option<EntryId>) -> RedisResult<Vec<Letter>> {
        let start = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        let reply: StreamRangeReply =
            self.connection.xrange_count(&self.key, start, "+", LETTERS_A_PAGE).await?;
        Ok(reply.ids.iter().filter_map(letter).collect())
    }

    /// The letter with this id.
    pub async fn get(&mut self, id: EntryId) -> RedisResult<Option<Letter>> {
        let id = id.to_string();
        let reply: StreamRangeReply = self.connection.xrange(&self.key, &id, &id).await?;
        Ok(reply.ids.first().and_then(letter))
    }

    /// Removes a letter; false where it was not there.
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

/// Puts events in the place of dead letters.
pub struct Requeuer {
    link: Link,
    scripts: Scripts,
}

impl Requeuer {
    /// For the letters of one community.
    #[must_use]
    pub fn new(server: Server, settings: &Config, group_id: i64, health: Arc<Health>) -> Self {
        let link = Link::new(server, settings.timeout, health, Counter::default());
        Self { link, scripts: Scripts::new(settings, group_id) }
    }

    /// The entry of an event, in the forms in which the bus carries it.
    #[must_use]
    pub fn entry(&self, event: &Event, unique: bool) -> Entry {
        self.scripts.entry(event, unique)
    }

    /// Puts `entry` on the bus and removes the letter it was made of, both or neither. Waits while
    /// Redis is away.
    pub async fn requeue(
        &mut self,
        id: EntryId,
        entry: &Entry,
    ) -> Result<Requeued, PermanentError> {
        let mut call = self.scripts.requeue();
        call.arg(id.to_string());
        self.scripts.add_entries(&mut call, slice::from_ref(entry));
        self.link.run("a dead letter's return", &call).await
    }
}

impl FromRedisValue for Requeued {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let words: Vec<String> = redis::from_redis_value(value)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["DONE"] => Ok(Self::Done),
            ["REPEAT"] => Ok(Self::Repeat),
            ["GONE"] => Ok(Self::Gone),
            ["FULL", stream, group] => {
                Ok(Self::Full { stream: stream.to_owned(), group: group.to_owned() })
            }
            _ => Err("an unknown answer of the requeue script".into()),
        }
    }
}
