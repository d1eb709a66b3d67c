//! The mistakes in a configuration, and their messages.

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

    /// A key is unknown, missing or set twice, or its value is not valid.
    #[error("{key}: {reason}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong, with the source: the file and line, or the variable.
        reason: String,
    },

    /// Two values are valid separately but not together. Names both keys with value and source.
    #[error("{0}")]
    Contradiction(String),
}

impl Problem {
    /// A problem with a key.
    pub(super) fn key(key: &str, reason: String) -> Self {
        Self::Key { key: key.to_owned(), reason }
    }

    /// A value has the wrong type or is out of range. `expected` gives type, unit and range.
    pub(super) fn invalid(key: &str, found: &str, source: &str, expected: &str) -> Self {
        Self::key(key, format!("found {found} in {source}; expected {expected}"))
    }

    /// A required key is not set. `places` says where it can be set.
    pub(super) fn missing(key: &str, places: &str) -> Self {
        Self::key(key, format!("missing; {places}"))
    }

    /// Whether this problem explains why `key` has no valid value.
    pub(super) fn is_about(&self, key: &str) -> bool {
        match self {
            Self::File { .. } => !secrets::is_secret(key),
            Self::Key { key: mine, .. } => mine == key,
            Self::Contradiction(_) => false,
        }
    }
}

/// All mistakes in the configuration.
#[derive(Debug, Error)]
pub struct ConfigError {
    /// The mistakes: first those of whole files and of unknown keys, then those of values in the
    /// order of `Fetcher.toml`, then contradictions. Never empty.
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
