//! A `Fetcher.toml`: settings, or mistakes that are reported.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use event_fetcher::config::{self, Sources};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|text: &[u8]| {
    fs::write(FOLDER.path().join("Fetcher.toml"), text).expect("a file");
    let vars = [("TOKEN", "vk1.a.secret-token"), ("GROUPID", "123")];
    let sources = Sources {
        config_flag: None,
        vars: vars.map(|(name, value)| (name.to_owned(), value.into())).into(),
        working_dir: FOLDER.path().to_owned(),
        etc_dir: PathBuf::from("/nowhere"),
        run_secrets_dir: PathBuf::from("/nowhere"),
    };
    let output = match config::load(&sources) {
        Ok(loaded) => format!("{loaded:?}"),
        Err(mistakes) => mistakes.to_string(),
    };
    assert!(!output.contains("secret-token"));
});
