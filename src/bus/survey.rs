//! How the bus stands, for those who look after it: who fetches, the position, the streams with
//! their consumer groups, the dead letters. Nothing of what people wrote is in it.

use std::time::Duration;

use redis::{FromRedisValue, ParsingError, RedisResult, Script, Value};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Config, Connection, Keys, Server};

/// The time between two looks.
const PERIOD: Duration = Duration::from_secs(10);
/// Likewise while Redis does not answer or nobody fetches, so that a change is soon seen.
const PERIOD_IN_TROUBLE: Duration = Duration::from_secs(2);
/// Of how many dead letters a survey tells.
const LETTERS_TOLD: usize = 5;

/// How the bus stood when Redis was asked. Ages are seconds by Redis' clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Who has the right to fetch: host, process id and a random number; none where nobody has.
    pub holder: Option<String>,
    /// How long ago it, or the last one, got that right.
    pub held_for_s: Option<u64>,
    /// How far the community's queue is on the bus; none before the very first commit.
    pub position: Option<Progress>,
    /// How often VK lost updates.
    pub gaps: u64,
    /// How many updates it lost, by its positions.
    pub missed: u64,
    /// How many events VK sent twice, and were dropped.
    pub repeats: u64,
    /// The streams of events.
    pub streams: Vec<StreamState>,
    /// The updates that could not become events.
    pub dead_letters: LettersState,
}

/// The committed position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// VK's position, which is text to scripts: it may be beyond what their numbers hold.
    pub ts: String,
    /// How long ago it last moved.
    pub age_s: Option<u64>,
}

/// A stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// Its key.
    pub name: String,
    /// How many entries it holds.
    pub length: u64,
    /// How long ago its newest entry was added; none where it has none.
    pub newest_age_s: Option<u64>,
    /// Who reads it.
    #[serde(default)]
    pub groups: Vec<GroupState>,
}

/// A consumer group of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupState {
    /// Its name.
    pub name: String,
    /// How many consumers it knows, at work or not.
    pub consumers: u64,
    /// How many entries it has yet to be given; none where Redis does not know, as before version 7
    /// and after entries before its place were deleted.
    pub lag: Option<u64>,
    /// How many entries it was given and has not acknowledged.
    pub pending: u64,
    /// The age of the oldest of those.
    pub oldest_pending_s: Option<u64>,
}

/// The dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LettersState {
    /// Their stream's key.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// The newest few, newest first.
    #[serde(default)]
    pub newest: Vec<LetterNote>,
}

/// A dead letter without its update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterNote {
    /// How long ago it was added.
    pub age_s: u64,
    /// The update's type, where it has one.
    pub update_type: Option<String>,
    /// Why it could not become an event.
    pub reason: String,
}

/// Asks Redis how one community's bus stands.
pub struct Surveyor {
    server: Server,
    timeout: Duration,
    keys: Keys,
    script: Script,
    connection: Option<Connection>,
}

impl Surveyor {
    /// For a community; nothing is connected yet.
    #[must_use]
    pub fn new(server: Server, settings: &Config, group_id: i64) -> Self {
        Self {
            server,
            timeout: settings.timeout,
            keys: Keys::new(settings, group_id),
            script: Script::new(include_str!("lua/survey.lua")),
            connection: None,
        }
    }

    /// Asks again and again for as long as it is polled, and hands on what Redis says or why it does
    /// not.
    pub async fn watch(&mut self, mut see: impl FnMut(RedisResult<Survey>)) {
        loop {
            let answer = self.survey().await;
            let is_fetched = answer.as_ref().is_ok_and(|survey| survey.holder.is_some());
            let pause = if is_fetched { PERIOD } else { PERIOD_IN_TROUBLE };
            see(answer);
            sleep(pause).await;
        }
    }

    /// Asks once. A connection that failed is not used again.
    pub async fn survey(&mut self) -> RedisResult<Survey> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(self.timeout, self.timeout).await?,
        };
        let Keys { position, lease, dead_letters, streams, .. } = &self.keys;
        let mut call = self.script.key(position);
        call.key(lease).key(dead_letters).key(streams).arg(LETTERS_TOLD);
        let survey = call.invoke_async(&mut connection).await?;
        self.connection = Some(connection);
        Ok(survey)
    }
}

impl FromRedisValue for Survey {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let json: Vec<u8> = redis::from_redis_value(value)?;
        // Names and reasons may be any bytes.
        serde_json::from_str(&String::from_utf8_lossy(&json))
            .map_err(|error| format!("an unknown answer of the survey script: {error}").into())
    }
}
