//! An update as the oracle reads it, independently of the service's code.

use serde_json::Value;
use sha1::{Digest as _, Sha1};

/// What the oracle needs of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Update {
    /// The expected destination.
    pub(crate) way: Way,
    /// Whether VK gave it an id.
    pub(crate) has_id: bool,
}

/// The expected destination of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// A stream of events, or the dead letters.
    Kept,
    /// The counter of its type.
    Counted(String),
}

impl Update {
    /// Parses an update's JSON.
    pub(crate) fn read(text: &str) -> Self {
        let update: Value = serde_json::from_str(text).unwrap_or_default();
        let way = match update["type"].as_str() {
            None | Some("message_new" | "message_event" | "message_reaction_event") => Way::Kept,
            Some(kind) => Way::Counted(kind.to_owned()),
        };
        Self { way, has_id: given_id(&update).is_some() }
    }
}

/// VK's id of an update; where it has none, the lowercase SHA-1 of its text.
pub(crate) fn id_or_digest(text: &str) -> String {
    let update: Value = serde_json::from_str(text).unwrap_or_default();
    given_id(&update).map_or_else(|| digest(text.trim()), str::to_owned)
}

fn given_id(update: &Value) -> Option<&str> {
    update["event_id"].as_str().filter(|id| !id.is_empty())
}

fn digest(text: &str) -> String {
    use std::fmt::Write;

    Sha1::digest(text).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_vks_or_the_digest_of_the_text() {
        assert_eq!(id_or_digest(r#"{"event_id":"a1"}"#), "a1");
        assert_eq!(id_or_digest("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn updates_of_other_types_are_counted_and_updates_without_a_type_are_kept() {
        let way = |text| Update::read(text).way;
        assert_eq!(way(r#"{"type":"group_join"}"#), Way::Counted("group_join".into()));
        assert_eq!(way(r#"{"type":"message_new"}"#), Way::Kept);
        assert_eq!(way(r#"{"type":5}"#), Way::Kept);
        assert_eq!(way("[]"), Way::Kept);
    }
}
