//! The section `[log]`.

use serde::{Deserialize, Deserializer};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::setting::{choice, text};

/// The log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A level, or a filter that [`EnvFilter`] accepts.
    #[serde(deserialize_with = "filter")]
    pub level: String,
    /// The format of a line.
    #[serde(deserialize_with = "choice")]
    pub format: LogFormat,
}

/// The format of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `Journald` under systemd, `Text` on a terminal, else `Json`.
    Auto,
    /// For people.
    Text,
    /// For log collectors.
    Json,
    /// For systemd's journal.
    Journald,
}

fn filter<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let expected = "\"error\", \"warn\", \"info\", \"debug\", \"trace\", \
                    or a filter such as \"info,event_fetcher::vk=debug\"";
    text(from, expected, |text| {
        // EnvFilter takes a word that is no level for a target and disables all others: a mistyped level
        // would silence the service.
        let is_level_or_directive =
            |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
        let is_filter =
            text.split(',').all(is_level_or_directive) && EnvFilter::try_new(text).is_ok();
        is_filter.then(|| text.to_owned())
    })
}
