//! The state of the bus: the holder of the lease, the position, the streams with their consumer groups, the
//! dead letters. It contains no texts of messages.

use serde::{Deserialize, Deserializer, Serialize};

/// The last report of Redis on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusReport {
    /// Why the last query failed; none if it succeeded.
    pub error: Option<String>,
    /// How old the snapshot is, in seconds.
    pub read_s_ago: Option<u64>,
    /// The last snapshot.
    pub snapshot: Option<BusSnapshot>,
}

/// The state of the bus at one moment. Ages are in seconds by Redis' clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusSnapshot {
    /// The holder of the lease: host, process id and a random number; none if the lease is free.
    pub holder: Option<String>,
    /// How long ago this or the last holder acquired the lease.
    pub held_for_s: Option<u64>,
    /// The committed position; none before the first commit.
    pub position: Option<Progress>,
    /// How often VK lost updates.
    #[serde(default, deserialize_with = "count")]
    pub gaps: u64,
    /// How many updates it lost, estimated by its positions.
    #[serde(default, deserialize_with = "count")]
    pub updates_lost: u64,
    /// How many duplicates from VK were dropped.
    #[serde(default, deserialize_with = "count")]
    pub duplicates: u64,
    /// The streams of events.
    pub streams: Vec<StreamState>,
    /// The updates that could not be converted.
    pub dead_letters: LettersState,
}

/// The committed position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// VK's position, as text: scripts may not hold such large numbers exactly.
    pub ts: String,
    /// How long ago it last changed.
    pub age_s: Option<u64>,
}

/// A stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// Its key.
    pub name: String,
    /// How many entries it holds.
    pub length: u64,
    /// How long ago its newest entry was added; none if it is empty.
    pub newest_age_s: Option<u64>,
    /// Its consumer groups.
    #[serde(default)]
    pub groups: Vec<GroupState>,
}

/// A consumer group of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupState {
    /// Its name.
    pub name: String,
    /// The number of its consumers, active or not.
    pub consumers: u64,
    /// How many entries it has not been delivered; none if Redis does not know: before version 7, or after
    /// undelivered entries were deleted.
    #[serde(default, deserialize_with = "lag")]
    pub lag: Option<u64>,
    /// By how much the lag changed in the last minute; none if that is unknown, as it is to whoever reads the
    /// bus only once.
    #[serde(default)]
    pub lag_change: Option<i64>,
    /// How many entries were delivered to it and not acknowledged.
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
    /// The newest ones, newest first; five at most.
    #[serde(default)]
    pub newest: Vec<LetterNote>,
}

/// A dead letter without its update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterNote {
    /// How long ago it was added.
    pub age_s: u64,
    /// The type of the update, if it has one.
    pub update_type: Option<String>,
    /// Why it could not be converted.
    pub reason: String,
}

/// A number as Lua writes it: a large one as a float. One below zero is none that counts anything.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float to an integer saturates, which is what is wanted"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    f64::deserialize(from).map(whole)
}

/// A lag below zero follows from an `XGROUP SETID ... ENTRIESREAD` that claims too much: it is unknown.
fn lag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.filter(|it| *it >= 0.0).map(whole))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_what_lua_writes_in_digits_do_not_hide_the_bus() {
        let snapshot: BusSnapshot = serde_json::from_str(
            r#"{"gaps":1,"updates_lost":9.0071992547e+15,"streams":[{"name":"s","length":1,"groups":[
                {"name":"g","consumers":1,"pending":0,"lag":-99998999},
                {"name":"h","consumers":1,"pending":0,"lag":3},{"name":"i","consumers":1,"pending":0}]}],
                "dead_letters":{"name":"d","count":0}}"#,
        )
        .unwrap();
        assert_eq!((snapshot.updates_lost, snapshot.duplicates), (9_007_199_254_700_000, 0));
        let lags: Vec<_> = snapshot.streams[0].groups.iter().map(|group| group.lag).collect();
        assert_eq!(lags, [None, Some(3), None]);
    }
}
