//! The inputs of a configuration under test.

use std::fs;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::config::{Config, ConfigError, Loaded, Sources, load};

/// The inputs of a configuration, empty at first.
pub(super) struct Machine {
    root: TempDir,
    pub(super) sources: Sources,
}

impl Machine {
    pub(super) fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = |name: &str| {
            let dir = root.path().join(name);
            fs::create_dir(&dir).unwrap();
            dir
        };
        let sources = Sources {
            config_flag: None,
            vars: [].into(),
            working_dir: dir("work"),
            etc_dir: dir("etc"),
            run_secrets_dir: dir("secrets"),
        };
        Self { root, sources }
    }

    pub(super) fn with_access() -> Self {
        Self::empty().var("TOKEN", "vk1.a.token").var("GROUPID", "123")
    }

    pub(super) fn var(mut self, name: &str, value: &str) -> Self {
        self.sources.vars.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(super) fn toml(self, content: &str) -> Self {
        self.file("work/Fetcher.toml", content)
    }

    pub(super) fn path(&self, path: &str) -> String {
        self.root.path().join(path).display().to_string()
    }

    pub(super) fn flag(mut self, path: &str) -> Self {
        self.sources.config_flag = Some(path.into());
        self
    }

    pub(super) fn load(&self) -> Loaded {
        load(&self.sources).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn config(&self) -> Config {
        self.load().config
    }

    pub(super) fn token(&self) -> String {
        self.load().access.token.expose_secret().to_owned()
    }

    pub(super) fn error(&self) -> ConfigError {
        load(&self.sources).expect_err("this configuration has a mistake in it")
    }

    /// The messages, with paths relative to the machine.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let root = format!("{}/", self.root.path().display());
        let problems = self.error().problems;
        problems.iter().map(|it| it.to_string().replace(&root, "")).collect()
    }

    pub(super) fn mistake(&self) -> String {
        let mut mistakes = self.mistakes();
        assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
        mistakes.remove(0)
    }

    pub(super) fn source(&self, key: &str) -> String {
        let root = format!("{}/", self.root.path().display());
        let origins = self.load().origins;
        let origin = origins.iter().find(|it| it.key == key).unwrap();
        origin.source.replace(&root, "")
    }
}
