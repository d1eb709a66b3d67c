//! The position in a community's Long Poll queue.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// A position in the queue of a community's updates. VK writes it now as a string, now as a
/// number; it grows by one with each update, though only as far as anyone has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(pub u64);

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Ts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Ts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position: a whole number, or one as text")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ts, E> {
                Ok(Ts(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ts, E> {
                text.parse().map(Ts).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_the_same_position() {
        for json in ["2593", "\"2593\""] {
            assert_eq!(serde_json::from_str::<Ts>(json).unwrap(), Ts(2593));
        }
        for json in ["-1", "\"\"", "\"12a\"", "null", "1.5", "[1]"] {
            assert!(serde_json::from_str::<Ts>(json).is_err(), "{json}");
        }
    }
}
