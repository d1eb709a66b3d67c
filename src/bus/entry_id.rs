//! The ids of stream entries, which tell their time and order.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, UNIX_EPOCH},
};

use thiserror::Error;

/// The last millisecond that has a date: the end of the year 9999. An id given by hand may be later.
const LAST_DATE: u64 = 253_402_300_799_999;

/// The id of a stream entry. Ids of different streams are comparable too: they begin with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EntryId {
    /// When it was added: milliseconds since 1970 by Redis' clock.
    millis: u64,
    /// Tells entries of one millisecond apart.
    number: u64,
}

impl EntryId {
    /// The time of day in UTC: `HH:MM:SS`.
    #[must_use]
    pub fn time(self) -> String {
        let seconds = self.millis / 1000;
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    }

    /// The day and the time in UTC: `YYYY-MM-DDTHH:MM:SSZ`.
    #[must_use]
    pub fn date_and_time(self) -> String {
        let since_1970 = Duration::from_millis(self.millis.min(LAST_DATE));
        humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

/// The text is no id of a stream entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an entry's id is two numbers, such as 1709107598123-0")]
pub struct NoEntryId;

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
        assert_eq!(id.date_and_time(), "2024-02-28T08:06:38Z");
        assert!(id < "1709107598123-10".parse().unwrap());
        assert!(id > EntryId::default());
        assert_eq!("1709107598123".parse::<EntryId>(), Err(NoEntryId));
    }

    #[test]
    fn an_id_beyond_all_dates_has_the_last_one() {
        let id: EntryId = "18446744073709551615-0".parse().unwrap();
        assert_eq!(id.date_and_time(), "9999-12-31T23:59:59Z");
    }
}
