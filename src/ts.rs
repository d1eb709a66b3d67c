//! The position in a community's Long Poll queue.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// A position in the queue of a community's updates, from 0 to [`Ts::MAX`]. VK writes it as a string or as a
/// number. It grows by one with each update, which VK does not document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(u64);

impl Ts {
    /// The largest position: 2⁵³ − 1, the last integer that the doubles of Lua and of JavaScript hold
    /// exactly. Sums of positions stay within Redis' counters, which are signed and have 64 bits.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The position as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after so many more updates, at most [`Ts::MAX`].
    #[must_use]
    pub fn after(self, updates: usize) -> Self {
        let updates = u64::try_from(updates).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(updates)).min(Self::MAX)
    }

    /// The number of positions between an earlier one and this; 0 if the other is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A number that is too large for a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is larger than any position, which is at most {max}", max = Ts::MAX)]
pub struct OutOfRange(u64);

impl TryFrom<u64> for Ts {
    type Error = OutOfRange;

    fn try_from(number: u64) -> Result<Self, OutOfRange> {
        if number > Self::MAX.0 { Err(OutOfRange(number)) } else { Ok(Self(number)) }
    }
}

impl From<u32> for Ts {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

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
                write!(f, "a position: a whole number from 0 to {}, or one as text", Ts::MAX)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ts, E> {
                Ts::try_from(number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ts, E> {
                let number = text.parse::<u64>().ok();
                number
                    .and_then(|number| Ts::try_from(number).ok())
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
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

    #[test]
    fn what_a_double_cannot_hold_exactly_is_no_position() {
        let largest = "9007199254740991";
        assert_eq!(serde_json::from_str::<Ts>(largest).unwrap(), Ts::MAX);
        for number in ["9007199254740992", "9223372036854775808", "18446744073709551615", "1e15"] {
            for json in [number.to_owned(), format!("\"{number}\"")] {
                assert!(serde_json::from_str::<Ts>(&json).is_err(), "{json}");
            }
        }
        assert_eq!(Ts::MAX.after(1), Ts::MAX);
    }
}
