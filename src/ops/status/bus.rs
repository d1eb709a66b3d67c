//! The state of the bus: who fetches, the position, the streams with their consumer groups, the dead
//! letters. Nothing of what people wrote is in it.

use serde::{Deserialize, Serialize};

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
    pub gaps: u64,
    /// How many updates it lost, by its positions.
    pub updates_lost: u64,
    /// How many duplicates from VK were dropped.
    pub duplicates: u64,
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
