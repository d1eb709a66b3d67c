//! The ids of stream entries, which tell their time and order.

use std::{fmt, str::FromStr};

/// The id of a stream entry. Ids of different streams are comparable too: they begin with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct EntryId {
    /// When it was added: milliseconds since 1970 by Redis' clock.
    millis: u64,
    /// Tells entries of one millisecond apart.
    number: u64,
}

impl EntryId {
    /// The time of day in UTC: `HH:MM:SS`.
    pub(super) fn time(self) -> String {
        let seconds = self.millis / 1000;
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

/// The text is no id of a stream entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoEntryId;

impl FromStr for EntryId {
    type Err = NoEntryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (millis, number) = text.split_once('-').ok_or(NoEntryId)?;
        match (millis.parse(), number.parse()) {
            (Ok(millis), Ok(number)) => Ok(Self { millis, number }),
            _ => Err(NoEntryId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_time_and_order() {
        let id: EntryId = "1709107598123-7".parse().unwrap();
        assert_eq!(id.to_string(), "1709107598123-7");
        assert_eq!(id.time(), "08:06:38");
        assert!(id < "1709107598123-10".parse().unwrap());
        assert!(id > EntryId::default());
        assert_eq!("1709107598123".parse::<EntryId>(), Err(NoEntryId));
    }
}
