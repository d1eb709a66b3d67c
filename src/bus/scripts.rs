//! The Lua scripts that write to the bus, and the arguments they share.

use std::mem;

use redis::{
    Cmd, ErrorKind, FromRedisValue, ParsingError, RedisResult, Script, ServerErrorKind,
    ToRedisArgs, Value, aio::ConnectionLike,
};

use super::{CommitError, Config, Encoding, Keys, Position, StreamEntry, pickle::pickle};
use crate::event::Event;

/// The scripts of one community's bus.
#[derive(Clone)]
pub(super) struct Scripts {
    keys: Keys,
    group_id: i64,
    settings: Config,
    acquire: Script,
    renew: Script,
    release: Script,
    commit: Script,
    requeue: Script,
}

/// A script with `common.lua` prepended.
macro_rules! with_common {
    ($file:literal) => {
        Script::new(concat!(include_str!("lua/common.lua"), include_str!($file)))
    };
}

impl Scripts {
    pub(super) fn new(settings: &Config, group_id: i64) -> Self {
        Self {
            keys: Keys::new(settings, group_id),
            group_id,
            settings: settings.clone(),
            acquire: with_common!("lua/acquire.lua"),
            renew: Script::new(include_str!("lua/renew.lua")),
            release: Script::new(include_str!("lua/release.lua")),
            commit: with_common!("lua/commit.lua"),
            requeue: with_common!("lua/requeue.lua"),
        }
    }

    /// The lease's key.
    pub(super) fn lease_key(&self) -> &str {
        &self.keys.lease
    }

    pub(super) fn acquire(&self) -> ScriptCall<'_> {
        self.with_common_arguments(&self.acquire, 0)
    }

    /// A commit of about so many bytes.
    pub(super) fn commit(&self, bytes: usize) -> ScriptCall<'_> {
        self.with_common_arguments(&self.commit, bytes)
    }

    pub(super) fn requeue(&self) -> ScriptCall<'_> {
        self.with_common_arguments(&self.requeue, 0)
    }

    pub(super) fn renew(&self) -> ScriptCall<'_> {
        ScriptCall::new(&self.renew, &[&self.keys.position, &self.keys.lease], 0)
    }

    pub(super) fn release(&self) -> ScriptCall<'_> {
        ScriptCall::new(&self.release, &[&self.keys.lease], 0)
    }

    fn with_common_arguments<'a>(&'a self, script: &'a Script, bytes: usize) -> ScriptCall<'a> {
        let Self { keys, settings, .. } = self;
        let Keys { position, lease, seen, skipped, dead_letters, added, marks, .. } = keys;
        let mut names = vec![position, lease, seen, skipped, dead_letters, added];
        names.extend(&keys.streams);
        names.extend(marks);
        let mut call = ScriptCall::new(script, &names, bytes);
        call.arg(self.group_id)
            .arg(settings.dedup_window)
            .arg(settings.stream_length)
            .arg(u8::from(settings.delivery.to_streams()))
            .arg(self.channel_payload())
            .arg(&keys.channels);
        call
    }

    /// Encodes an event as this bus carries it.
    pub(super) fn entry(&self, event: &Event, unique: bool) -> StreamEntry {
        let pubsub = &self.settings.pubsub;
        let is_pickled = self.channel_payload() == OWN;
        let published = is_pickled.then(|| pickle(event, &pubsub.classes));
        StreamEntry { published, ..StreamEntry::new(event, unique) }
    }

    /// Moves events into the arguments: a digit per event, then each event's arguments. The entries keep
    /// their ids and types.
    pub(super) fn add_entries(&self, call: &mut ScriptCall<'_>, entries: &mut [StreamEntry]) {
        call.arg(entries.iter().map(digit).collect::<String>());
        let own = self.channel_payload() == OWN;
        for entry in entries {
            let (data, published) = (mem::take(&mut entry.data), entry.published.take());
            call.arg(&entry.event_id).arg(&data);
            if own {
                call.arg(published.as_deref().unwrap_or(data.as_bytes()));
            }
        }
    }

    /// What the channels carry, as `common.lua` names it.
    fn channel_payload(&self) -> &'static str {
        match self.settings.pubsub.encoding {
            _ if !self.settings.delivery.to_channels() => "none",
            Encoding::Json => "data",
            Encoding::Pickle => OWN,
        }
    }
}

/// A call of a script. Unlike [`redis::ScriptInvocation`], it has the arguments in memory only once.
pub(super) struct ScriptCall<'a> {
    script: &'a Script,
    command: Cmd,
}

impl<'a> ScriptCall<'a> {
    /// With room for so many bytes: while a full buffer grows, it is in memory twice.
    fn new<K: ToRedisArgs>(script: &'a Script, keys: &[K], bytes: usize) -> Self {
        let mut command = Cmd::with_capacity(0, bytes);
        command.arg("EVALSHA");
        command.arg(script.get_hash()).arg(keys.len()).arg(keys);
        Self { script, command }
    }

    /// Appends an argument.
    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        self.command.arg(argument);
        self
    }

    /// Runs the script, and loads it first if Redis does not have it.
    ///
    /// # Errors
    /// Redis is unreachable or returned an error.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<T> {
        match self.command.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.script.load_async(connection).await?;
                self.command.query_async(connection).await
            }
            result => result,
        }
    }
}

/// The channels carry a payload per event.
const OWN: &str = "own";

/// The number of the event's type, from 1; plus 4 if its id is not unique.
fn digit(entry: &StreamEntry) -> char {
    let first = if entry.unique { b'1' } else { b'5' };
    char::from(first + entry.kind as u8)
}

/// Parses the reply of a script, a list of texts and numbers; `read` returns none for one that it does not
/// know. Anybody can name a consumer group, and not only in UTF-8.
pub(super) fn parse_reply<T>(
    reply: Value,
    read: impl FnOnce(&[&str]) -> Option<T>,
) -> Result<T, ParsingError> {
    let text = |value| match value {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        value => redis::from_redis_value(value),
    };
    let values: Vec<Value> = redis::from_redis_value(reply)?;
    let texts: Vec<String> = values.into_iter().map(text).collect::<Result<_, _>>()?;
    let words: Vec<&str> = texts.iter().map(String::as_str).collect();
    read(&words).ok_or_else(|| format!("unknown reply of a script: {}", words.join(" ")).into())
}

/// A stored position; none if it is invalid.
pub(super) fn parse_position(generation: &str, ts: &str) -> Option<Position> {
    let ts: u64 = ts.parse().ok()?;
    Some(Position { generation: generation.parse().ok()?, ts: ts.try_into().ok()? })
}

impl CommitError {
    /// From a reply `ROLLED_BACK`: the stored position is two empty texts before the first commit.
    pub(super) fn rolled_back(generation: &str, ts: &str) -> Option<Self> {
        Some(Self::RolledBack(match (generation, ts) {
            ("", "") => None,
            _ => Some(parse_position(generation, ts)?),
        }))
    }
}
