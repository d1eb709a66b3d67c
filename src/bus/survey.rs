//! A look at what is on the bus: its streams, and how far their consumer groups are.

use std::time::Duration;

use redis::{
    AsyncCommands, RedisResult,
    streams::{StreamInfoGroup, StreamInfoGroupsReply},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{Connection, Keys, Server};

/// A stream and those who read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// The stream's key.
    pub stream: String,
    /// How many entries it has.
    pub length: u64,
    /// Its consumer groups.
    pub groups: Vec<GroupState>,
}

/// How far a consumer group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// The group's name.
    pub name: String,
    /// How many entries it has yet to read; none where Redis does not know, as before Redis 7.
    pub lag: Option<u64>,
    /// How many entries it has read and not acknowledged.
    pub pending: u64,
}

/// The time between two looks.
const PERIOD: Duration = Duration::from_secs(10);

/// Looks again and again, for as long as it is polled. A look that fails tells nothing: whoever
/// writes to the same Redis does.
pub(super) async fn watch(
    server: &Server,
    timeout: Duration,
    keys: &Keys,
    mut see: impl FnMut(Vec<StreamState>),
) {
    let mut connection = None;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let look = async {
            let mut used = match connection.take() {
                Some(connection) => connection,
                None => server.connect(timeout, timeout).await?,
            };
            let states = survey(&mut used, keys).await?;
            Ok::<_, redis::RedisError>((used, states))
        };
        match look.await {
            Ok((used, states)) => {
                connection = Some(used);
                see(states);
            }
            Err(error) => tracing::debug!(%error, "the streams cannot be looked at now"),
        }
    }
}

/// The streams of the events and that of the dead letters.
pub async fn survey(connection: &mut Connection, keys: &Keys) -> RedisResult<Vec<StreamState>> {
    let streams: Vec<_> = keys.streams.iter().chain([&keys.dead_letters]).collect();
    let mut states = Vec::with_capacity(streams.len());
    for stream in streams {
        let length = connection.xlen(stream).await?;
        // Redis takes it amiss to be asked for the groups of a stream that is not there.
        let groups = match length {
            0 => Vec::new(),
            _ => connection.xinfo_groups::<_, StreamInfoGroupsReply>(stream).await?.groups,
        };
        let groups = groups.into_iter().map(GroupState::from).collect();
        states.push(StreamState { stream: stream.clone(), length, groups });
    }
    Ok(states)
}

impl From<StreamInfoGroup> for GroupState {
    fn from(group: StreamInfoGroup) -> Self {
        let StreamInfoGroup { name, lag, pending, .. } = group;
        Self { name, lag: lag.map(|lag| lag as u64), pending: pending as u64 }
    }
}
