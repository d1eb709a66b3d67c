//! The list of updates in an answer, of bounded length.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The most updates taken from one answer. So many of VK's do not fit into the largest body; but a
/// body of the smallest there can be would need a hundred times its size in memory.
pub const UPDATES_AN_ANSWER: usize = 100_000;

/// The updates as they stand in the answer.
pub(super) struct Updates<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Updates<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Updates<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {UPDATES_AN_ANSWER} updates")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut updates = Vec::new();
        while let Some(update) = list.next_element()? {
            if updates.len() == UPDATES_AN_ANSWER {
                return Err(A::Error::invalid_length(updates.len() + 1, &self));
            }
            updates.push(update);
        }
        Ok(Updates(updates))
    }
}
