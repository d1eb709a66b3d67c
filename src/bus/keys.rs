//! The names of everything on the bus.

use crate::event::EventType;

/// The keys of one community in one namespace. The braces make all of them share a slot in Redis
/// Cluster, so that one script can commit to them.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Where the fetcher is (hash): `generation`, `ts`, and who may move it: `holder`, `epoch`;
    /// beside them the counts `gaps`, `missed`, `repeats`.
    pub position: String,
    /// Who may fetch now (text with an expiry).
    pub lease: String,
    /// The recent event ids (sorted set), to drop VK's repeats.
    pub seen: String,
    /// How many updates of each type were not routed (hash).
    pub skipped: String,
    /// Updates that could not become events (stream).
    pub dead_letters: String,
    /// The stream of each event type, in [`EventType::ALL`]'s order.
    pub streams: [String; 4],
}

impl Keys {
    /// The keys of a community. `streams` names the stream of each event type.
    #[must_use]
    pub fn new(namespace: &str, group_id: i64, streams: impl Fn(EventType) -> String) -> Self {
        let key = |name: &str| format!("{{{namespace}}}:{name}");
        Self {
            position: key(&format!("position:{group_id}")),
            lease: key(&format!("lease:{group_id}")),
            seen: key(&format!("seen:{group_id}")),
            skipped: key(&format!("skipped:{group_id}")),
            dead_letters: key("dead-letter"),
            streams: EventType::ALL.map(|kind| key(&streams(kind))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_specifications() {
        let keys = Keys::new("toaster", 7, |kind| kind.to_string());
        assert_eq!(keys.position, "{toaster}:position:7");
        assert_eq!(keys.lease, "{toaster}:lease:7");
        assert_eq!(keys.dead_letters, "{toaster}:dead-letter");
        assert_eq!(keys.streams[0], "{toaster}:message");
        assert_eq!(keys.streams[3], "{toaster}:reaction");
    }
}
