//! The inputs of the configuration, which a test can replace.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

/// All inputs of the configuration outside the program.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The file named by `--config`.
    pub config_flag: Option<PathBuf>,
    /// The environment variables. Any of them may hold a secret.
    pub vars: BTreeMap<String, SecretString>,
    /// The folder where `Fetcher.toml` is searched first.
    pub working_dir: PathBuf,
    /// The folder where `Fetcher.toml` is searched next.
    pub etc_dir: PathBuf,
    /// The folder where container engines mount secret files.
    pub run_secrets_dir: PathBuf,
}

impl Sources {
    /// The sources of the running process.
    #[must_use]
    pub fn from_process(config_flag: Option<PathBuf>) -> Self {
        // `std::env::vars` panics on any variable that is not UTF-8.
        let lossy = |text: OsString| text.to_string_lossy().into_owned();
        Self {
            config_flag,
            vars: std::env::vars_os()
                .map(|(name, value)| (lossy(name), lossy(value).into()))
                .collect(),
            // Paths stay relative to the working directory, and so are short in messages.
            working_dir: PathBuf::new(),
            etc_dir: PathBuf::from("/etc/event-fetcher"),
            run_secrets_dir: PathBuf::from("/run/secrets"),
        }
    }

    /// A variable's value. A blank one counts as unset: an image whose Dockerfile says
    /// `ENV TOKEN=$TOKEN` has it empty when no build argument was given.
    pub(super) fn var(&self, name: &str) -> Option<&str> {
        let value = self.vars.get(name)?.expose_secret().trim();
        (!value.is_empty()).then_some(value)
    }

    /// A path as the user gave it, relative to the working directory.
    pub(super) fn path(&self, given: impl AsRef<Path>) -> PathBuf {
        self.working_dir.join(given)
    }
}

/// The name of a variable as a source.
pub(super) fn environment(variable: &str) -> String {
    format!("environment variable {variable}")
}
