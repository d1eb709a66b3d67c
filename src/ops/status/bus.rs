//! The state of the bus: who fetches, the position, the streams with their consumer groups, the dead
//! letters. Nothing of what people wrote is in it.

use serde::{Deserialize, Deserializer, Serialize};

/// What Redis reports of the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusReport {
    /// Why Redis did not answer when it was last asked; none where it did.
    pub error: Option<String>,
    /// How old the snapshot is, in seconds.
    pub read_s_ago: Option<u64>,
    /// The last answer.
    pub snapshot: Option<BusSnapshot>,
}

/// How the bus stood when Redis was asked. Ages are seconds by Redis' clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusSnapshot {
    /// The holder of the lease: host, process id and a random number; none where nobody has it.
    pub holder: Option<String>,
    /// How long ago it, or the last holder, took the lease.
    pub held_for_s: Option<u64>,
    /// How far the community's queue is on the bus; none before the very first commit.
    pub position: Option<Progress>,
    /// How often VK lost updates.
    #[serde(default, deserialize_with = "count")]
    pub gaps: u64,
    /// How many updates it lost, by its positions.
    #[serde(default, deserialize_with = "count")]
    pub missed: u64,
    /// How many events VK sent twice, and were dropped.
    #[serde(default, deserialize_with = "count")]
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
    #[serde(default, deserialize_with = "lag")]
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
            r#"{"gaps":1,"missed":9.0071992547e+15,"streams":[{"name":"s","length":1,"groups":[
                {"name":"g","consumers":1,"pending":0,"lag":-99998999},
                {"name":"h","consumers":1,"pending":0,"lag":3},{"name":"i","consumers":1,"pending":0}]}],
                "dead_letters":{"name":"d","count":0}}"#,
        )
        .unwrap();
        assert_eq!((snapshot.missed, snapshot.repeats), (9_007_199_254_700_000, 0));
        let lags: Vec<_> = snapshot.streams[0].groups.iter().map(|group| group.lag).collect();
        assert_eq!(lags, [None, Some(3), None]);
    }
}
