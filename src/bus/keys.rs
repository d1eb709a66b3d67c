//! The names of everything on the bus.

use super::{Config, EventNames};
use crate::event::EventType;

/// The keys and channels of one community in one namespace. The braces make all of them share a slot in Redis
/// Cluster, so that one script can commit to them.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Where the fetcher is (hash): `generation`, `ts`, and who may move it: `holder`, `epoch`;
    /// beside them the counts `gaps`, `missed`, `repeats`, and by Redis' clock when it last `moved`
    /// and `since` when the holder has held the lease.
    pub position: String,
    /// Who may fetch now (text with an expiry).
    pub lease: String,
    /// The recent event ids (sorted set), to drop VK's repeats.
    pub seen: String,
    /// How many updates of each type were not routed (hash).
    pub skipped: String,
    /// Updates that could not become events (stream).
    pub dead_letters: String,
    /// How many entries each stream has ever got (hash), to find what to trim.
    pub added: String,
    /// Some entries of each stream by their number (sorted sets), likewise.
    pub marks: [String; 4],
    /// The stream of each event type, in [`EventType::ALL`]'s order.
    pub streams: [String; 4],
    /// The channel of each event type, likewise; channels have no namespace.
    pub channels: [String; 4],
}

impl Keys {
    /// The keys of a community.
    #[must_use]
    pub fn new(bus: &Config, group_id: i64) -> Self {
        let key = |name: &str| format!("{{{}}}:{name}", bus.namespace);
        Self {
            position: key(&format!("position:{group_id}")),
            lease: key(&format!("lease:{group_id}")),
            seen: key(&format!("seen:{group_id}")),
            skipped: key(&format!("skipped:{group_id}")),
            dead_letters: key("dead-letter"),
            added: key("added"),
            marks: EventType::ALL.map(|kind| key(&format!("marks:{kind}"))),
            streams: EventType::ALL.map(|kind| key(name(&bus.streams, kind))),
            channels: EventType::ALL.map(|kind| name(&bus.channels, kind).to_owned()),
        }
    }
}

fn name(names: &EventNames, kind: EventType) -> &str {
    match kind {
        EventType::Message => &names.message,
        EventType::Command => &names.command,
        EventType::Button => &names.button,
        EventType::Reaction => &names.reaction,
    }
}
