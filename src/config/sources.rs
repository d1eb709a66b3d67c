//! Where settings can come from: the process, or what a test puts in its place.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Everything outside the program that the configuration is read from.
///
/// It holds the whole environment, secrets included, so it has no `Debug`.
#[derive(Clone)]
pub struct Sources {
    /// The file named by `--config`.
    pub config_flag: Option<PathBuf>,
    /// The environment variables.
    pub vars: BTreeMap<String, String>,
    /// Where `Fetcher.toml` is looked for first.
    pub working_dir: PathBuf,
    /// Where `Fetcher.toml` is looked for next.
    pub etc_dir: PathBuf,
    /// Where secret files are mounted by container engines.
    pub run_secrets_dir: PathBuf,
}

impl Sources {
    /// The sources of the running process.
    #[must_use]
    pub fn from_process(config_flag: Option<PathBuf>) -> Self {
        Self {
            config_flag,
            // `std::env::vars` panics on a variable that is not UTF-8, even on one of no interest.
            vars: std::env::vars_os()
                .map(|(name, value)| {
                    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
                    (lossy(name), lossy(value))
                })
                .collect(),
            // Paths stay relative to the working directory, and so are short in messages.
            working_dir: PathBuf::new(),
            etc_dir: PathBuf::from("/etc/event-fetcher"),
            run_secrets_dir: PathBuf::from("/run/secrets"),
        }
    }

    /// A variable's value. One that is empty or blank counts as unset: an image whose Dockerfile
    /// says `ENV TOKEN=$TOKEN` has it empty when no build argument was given.
    pub(super) fn var(&self, name: &str) -> Option<&str> {
        let value = self.vars.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A path as the user gave it, relative to the working directory.
    pub(super) fn path(&self, given: impl AsRef<Path>) -> PathBuf {
        self.working_dir.join(given)
    }
}

/// How a variable is named as the source of a value.
pub(super) fn environment(variable: &str) -> String {
    format!("environment variable {variable}")
}
