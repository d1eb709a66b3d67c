//! Reloading: a running service applies a new token and a new log level.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    signal::unix::Signal,
    time::{MissedTickBehavior, interval},
};

use crate::{
    config::{self, Loaded, Sources},
    ops::{retry::Outage, systemd, telemetry::Level},
    vk::{Api, ErrorClass},
};

/// How often the token is read again.
const PERIOD: Duration = Duration::from_secs(5);
/// The settings that are applied without a restart.
const LIVE: [&str; 2] = ["log.level", "vk.token"];

/// Applies changed settings to the running service.
pub(super) struct Reload {
    sources: Sources,
    api: Arc<Api>,
    level: Level,
    /// The configuration that the service runs with.
    running: Loaded,
    /// The token in use.
    in_use: SecretString,
    /// The token that was last read and handled: it is in use, or VK rejected it.
    seen: SecretString,
    /// Attempts to validate the new token that VK did not answer.
    outage: Outage,
}

impl Reload {
    /// For a service that runs with the configuration `running`.
    pub(super) fn new(sources: Sources, running: Loaded, api: Arc<Api>, level: Level) -> Self {
        Self {
            sources,
            api,
            level,
            in_use: running.access.token.clone(),
            seen: running.access.token.clone(),
            running,
            outage: Outage::default(),
        }
    }

    /// Runs until it is dropped. Applies a new token as soon as its source has one, and all live settings
    /// at each SIGHUP.
    pub(super) async fn watch(mut self, mut hangup: Signal) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    // A file that is being replaced may be missing or empty for a moment.
                    if let Ok(Some(token)) = config::load_token(&self.sources)
                        && !same(&token, &self.seen)
                    {
                        self.change_token(token).await;
                    }
                }
                Some(()) = hangup.recv() => systemd::reloading(self.reload()).await,
            }
        }
    }

    async fn reload(&mut self) {
        match config::load(&self.sources) {
            Ok(loaded) => {
                self.change_level(&loaded);
                self.warn_of_restart(&loaded);
                self.change_token(loaded.access.token).await;
            }
            Err(error) => {
                // The error has one mistake per line.
                let error = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                tracing::error!("the configuration is not reloaded: {error}");
            }
        }
    }

    fn change_level(&self, loaded: &Loaded) {
        let level = &loaded.config.log.level;
        match self.level.change(level) {
            Ok(()) => tracing::info!(level, "the configuration is reloaded"),
            Err(error) => tracing::error!(level, "the log level cannot be changed: {error}"),
        }
    }

    fn warn_of_restart(&self, loaded: &Loaded) {
        let value = |loaded: &Loaded, key: &str| {
            loaded.origins.iter().find(|it| it.key == key).map(|it| it.value.clone())
        };
        let keys = self.running.origins.iter().chain(&loaded.origins).map(|it| it.key.as_str());
        let mut changed: Vec<_> = keys
            .filter(|key| !LIVE.contains(key))
            .filter(|key| value(&self.running, key) != value(loaded, key))
            .collect();
        // The shown values of all secrets are equal, so the secrets themselves are compared.
        let bus = &self.running.config.bus;
        if let (Some(running), Some(new)) = (&bus.password, &loaded.config.bus.password)
            && !same(running, new)
        {
            changed.push("bus.password");
        }
        if !bus.url.is_same_as(&loaded.config.bus.url) {
            changed.push("bus.url");
        }
        changed.sort_unstable();
        changed.dedup();
        if !changed.is_empty() {
            let keys = changed.join(", ");
            tracing::warn!("changed settings take effect only after a restart: {keys}");
        }
    }

    /// Uses the token if it differs from the one in use and VK accepts it. A token that VK rejected is not
    /// sent again until its source has another one, or until SIGHUP.
    async fn change_token(&mut self, token: SecretString) {
        if same(&token, &self.in_use) {
            self.seen = token;
            return;
        }
        match self.api.change_token(token.clone()).await {
            Ok(()) => {
                self.outage.end();
                self.in_use = token.clone();
                self.seen = token;
                tracing::info!("the new token is in use");
            }
            Err(error) if matches!(error.class(), ErrorClass::Permanent | ErrorClass::Skip) => {
                self.outage.end();
                self.seen = token;
                tracing::error!("VK rejected the new token, the old one stays in use: {error}");
            }
            Err(error) => {
                // The next tick reads the token again and finds it new.
                self.seen = self.in_use.clone();
                if let Some(failures) = self.outage.fail() {
                    tracing::warn!(
                        failures,
                        "VK did not validate the new token, retrying; the old one stays in use: {error}"
                    );
                }
            }
        }
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
