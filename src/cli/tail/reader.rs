//! Reads several streams and merges their entries by time.

use std::time::Duration;

use redis::{
    AsyncCommands, RedisResult,
    streams::{StreamId, StreamRangeReply, StreamReadOptions, StreamReadReply},
};

use crate::{
    bus::{self, Connection, EntryId, Keys},
    event::EventType,
};

/// How long Redis blocks a read while there are no new entries.
pub(super) const BLOCK: Duration = Duration::from_secs(5);

/// The maximum of entries of a stream per read.
const ENTRIES_PER_READ: usize = 100;

/// The first entries to read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// The oldest entries.
    Oldest,
    /// So many of the newest entries of each stream.
    Newest(usize),
}

/// An event in a stream.
pub(super) struct EventEntry {
    pub(super) id: EntryId,
    pub(super) kind: EventType,
    /// The event as JSON.
    pub(super) data: String,
}

/// Reads the streams of some types of events, each entry once.
pub(super) struct StreamReader {
    streams: Vec<Stream>,
    /// How many of the newest entries the first read returns.
    newest: Option<usize>,
}

struct Stream {
    kind: EventType,
    key: String,
    /// The last entry read.
    after: EntryId,
}

impl StreamReader {
    /// A reader of the streams of `kinds`; of all streams if `kinds` is empty.
    pub(super) fn new(settings: &bus::Config, kinds: &[EventType], start: Start) -> Self {
        // Streams belong to the namespace, not to a community: the group id does not matter.
        let keys = Keys::new(settings, 0).streams;
        let streams = EventType::ALL
            .into_iter()
            .zip(keys)
            .filter(|(kind, _)| kinds.is_empty() || kinds.contains(kind))
            .map(|(kind, key)| Stream { kind, key, after: EntryId::default() })
            .collect();
        let newest = match start {
            Start::Oldest => None,
            Start::Newest(count) => Some(count),
        };
        Self { streams, newest }
    }

    /// Waits for the next entries, at most [`BLOCK`]. After an error, the next call reads the same entries.
    pub(super) async fn read(
        &mut self,
        connection: &mut Connection,
    ) -> RedisResult<Vec<EventEntry>> {
        let mut entries = match self.newest {
            Some(count) => self.read_newest(connection, count).await?,
            None => self.read_next(connection).await?,
        };
        entries.sort_by_key(|entry| entry.id);
        Ok(entries)
    }

    async fn read_newest(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> RedisResult<Vec<EventEntry>> {
        let mut entries = Vec::new();
        for stream in &mut self.streams {
            // At least one is read: the next read starts after it.
            let reply: StreamRangeReply =
                connection.xrevrange_count(&stream.key, "+", "-", count.max(1)).await?;
            let newest: Vec<EventEntry> =
                reply.ids.iter().filter_map(|it| entry(stream.kind, it)).collect();
            stream.after = newest.first().map_or(EntryId::default(), |entry| entry.id);
            entries.extend(newest.into_iter().take(count));
        }
        self.newest = None;
        Ok(entries)
    }

    async fn read_next(&mut self, connection: &mut Connection) -> RedisResult<Vec<EventEntry>> {
        let keys: Vec<&str> = self.streams.iter().map(|stream| stream.key.as_str()).collect();
        let after: Vec<String> =
            self.streams.iter().map(|stream| stream.after.to_string()).collect();
        let millis = usize::try_from(BLOCK.as_millis()).unwrap_or(usize::MAX);
        let options = StreamReadOptions::default().block(millis).count(ENTRIES_PER_READ);
        let reply: Option<StreamReadReply> =
            connection.xread_options(&keys, &after, &options).await?;

        let mut entries = Vec::new();
        let mut complete_up_to: Option<EntryId> = None;
        for read in reply.unwrap_or_default().keys {
            let Some(stream) = self.streams.iter().find(|stream| stream.key == read.key) else {
                continue;
            };
            let is_cut = read.ids.len() >= ENTRIES_PER_READ;
            entries.extend(read.ids.iter().filter_map(|it| entry(stream.kind, it)));
            if let Some(last) = entries.last().filter(|_| is_cut) {
                complete_up_to = Some(complete_up_to.map_or(last.id, |bound| bound.min(last.id)));
            }
        }
        // If a stream has more entries, later entries of the other streams wait for them.
        if let Some(bound) = complete_up_to {
            entries.retain(|entry| entry.id <= bound);
        }
        for stream in &mut self.streams {
            let ids = entries.iter().filter(|entry| entry.kind == stream.kind).map(|it| it.id);
            stream.after = ids.max().unwrap_or(stream.after);
        }
        Ok(entries)
    }
}

fn entry(kind: EventType, raw: &StreamId) -> Option<EventEntry> {
    let id = raw.id.parse().ok()?;
    let data: Vec<u8> = raw.get("data").unwrap_or_default();
    Some(EventEntry { id, kind, data: String::from_utf8_lossy(&data).into_owned() })
}
