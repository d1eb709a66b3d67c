//! A bus with default settings, or with pickled events on its channels.

use std::{sync::Arc, time::Duration};

use event_fetcher::{
    bus::Bus,
    config::{self, Sources},
    ops::{health::Health, metrics::Commits},
};

/// Settings of a bus that differ from the default.
pub(crate) type Set = [(&'static str, &'static str)];

/// The channels carry JSON, like the streams.
pub(crate) const JSON: &Set = &[];
/// The channels carry pickled events, a second format to encode.
pub(crate) const PICKLE: &Set =
    &[("FETCHER_BUS__PUBSUB__ENCODING", "pickle"), ("FETCHER_CONVERTER__REPLY_AUTHOR", "true")];

/// A bus of the Redis at `url`, not connected yet.
pub(crate) fn bus(url: &str, set: &Set) -> anyhow::Result<Bus> {
    let set = set.iter().copied().chain([("FETCHER_BUS__URL", url)]);
    let sources = Sources {
        config_flag: None,
        vars: set.map(|(name, value)| (name.to_owned(), value.into())).collect(),
        working_dir: "/nowhere".into(),
        etc_dir: "/nowhere".into(),
        run_secrets_dir: "/nowhere".into(),
    };
    let settings = config::load_without_access(&sources)?.bus;
    let health = Arc::new(Health::new(Duration::from_secs(25)));
    Bus::new(&settings, 1, health, Commits::default())
}
