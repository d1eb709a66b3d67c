//! What can be wrong with the configuration, and how it is told.

use std::{fmt, path::PathBuf};

use thiserror::Error;

use super::secrets;

/// One mistake in the configuration. No variant ever holds a secret's value.
#[derive(Debug, Error)]
pub enum Problem {
    /// The configuration file cannot be read, or is not TOML.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used, and where in it.
        reason: String,
    },

    /// There is no such key.
    #[error("{key}: unknown key in {origin}{}", suggestion(nearest.as_deref()))]
    Unknown {
        /// The key as it was understood.
        key: String,
        /// The file and line, or the variable.
        origin: String,
        /// The known key that resembles it, written as the origin would write it.
        nearest: Option<String>,
    },

    /// A secret stands where it could be read by everyone.
    #[error("{key}: a secret does not belong in {origin}; {instead}")]
    Misplaced {
        /// The key.
        key: String,
        /// The file and line, or the variable.
        origin: String,
        /// Where the secret goes instead.
        instead: String,
    },

    /// A key's value has the wrong type or is out of range.
    #[error("{key}: found {found} in {origin}; expected {expected}")]
    Invalid {
        /// The key.
        key: String,
        /// The file and line, or the variable.
        origin: String,
        /// The value, or why it is not shown.
        found: String,
        /// Type, unit and range.
        expected: String,
    },

    /// A key that has no default is set nowhere.
    #[error("{key}: missing; {places}")]
    Missing {
        /// The key.
        key: &'static str,
        /// Every place where it can be set.
        places: String,
    },

    /// Two sources of the same rank set one key.
    #[error("{key}: set by both {first} and {second}; {advice}")]
    Twice {
        /// The key.
        key: &'static str,
        /// One source.
        first: String,
        /// The other.
        second: String,
        /// Which of them to drop.
        advice: String,
    },

    /// A file that should hold a secret cannot be used.
    #[error("{key}: {origin} {reason}")]
    Secret {
        /// The key.
        key: &'static str,
        /// The file, and the variable that names it if one does.
        origin: String,
        /// What is the matter with it.
        reason: String,
    },

    /// Two values are fine by themselves but not together.
    #[error("{first} {rule} {second}")]
    Contradiction {
        /// One key with its value and where it comes from.
        first: String,
        /// What should hold between the two, such as "must not be shorter than".
        rule: &'static str,
        /// The other key, likewise.
        second: String,
    },
}

impl Problem {
    /// Whether this problem already explains that `key` has no value.
    pub(super) fn explains_lack_of(&self, key: &str) -> bool {
        match self {
            Self::File { .. } => !secrets::is_secret(key),
            Self::Unknown { key: mine, .. }
            | Self::Misplaced { key: mine, .. }
            | Self::Invalid { key: mine, .. } => mine == key,
            Self::Missing { key: mine, .. }
            | Self::Twice { key: mine, .. }
            | Self::Secret { key: mine, .. } => *mine == key,
            Self::Contradiction { .. } => false,
        }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!("; did you mean {key}?"))
}

/// Everything that is wrong with the configuration, at once.
#[derive(Debug, Error)]
pub struct ConfigError {
    /// The mistakes: first those of whole files and of unknown keys, then those of values in the
    /// order of `Fetcher.toml`. Never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => writeln!(f, "The configuration has a mistake:")?,
            n => writeln!(f, "The configuration has {n} mistakes:")?,
        }
        for (number, problem) in (1..).zip(&self.problems) {
            writeln!(f, "  {number}. {problem}")?;
        }
        write!(
            f,
            "Nothing was started. Correct the above and start again; \
             the Fetcher.toml that comes with the service explains every key."
        )
    }
}
