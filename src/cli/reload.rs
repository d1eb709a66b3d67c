//! What a running service takes over: another token, and another level of the log.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    signal::unix::Signal,
    time::{MissedTickBehavior, interval},
};

use crate::{
    bus,
    config::{self, Loaded, Origin, Sources},
    ops::{health::Health, retry::Outage, systemd, telemetry::Level},
    vk::{Api, ErrorClass},
};

/// How often it is looked whether the token is another.
const PERIOD: Duration = Duration::from_secs(5);
/// The settings that are taken over while the service runs.
const LIVE: [&str; 2] = ["log.level", "vk.token"];

/// Keeps a running service up with its settings.
pub(super) struct Reload {
    sources: Sources,
    api: Arc<Api>,
    health: Arc<Health>,
    level: Level,
    /// The settings that the service runs with.
    running: Vec<Origin>,
    bus: bus::Config,
    /// The token in use.
    in_use: SecretString,
    /// The token last found in its place and dealt with: in use, or refused.
    seen: SecretString,
    outage: Outage,
}

impl Reload {
    /// For a service that runs with what was loaded.
    pub(super) fn new(
        sources: Sources,
        loaded: &Loaded,
        api: Arc<Api>,
        health: Arc<Health>,
        level: Level,
    ) -> Self {
        Self {
            sources,
            api,
            health,
            level,
            running: loaded.origins.clone(),
            bus: loaded.config.bus.clone(),
            in_use: loaded.access.token.clone(),
            seen: loaded.access.token.clone(),
            outage: Outage::default(),
        }
    }

    /// Takes over what changes, for as long as it is polled: the token when its place has another,
    /// the level too at a SIGHUP.
    pub(super) async fn watch(mut self, mut hangups: Signal) {
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
                Some(()) = hangups.recv() => {
                    let health = self.health.clone();
                    systemd::reloading(&health, self.reload()).await;
                }
            }
        }
    }

    async fn reload(&mut self) {
        match config::load(&self.sources) {
            Ok(loaded) => {
                self.change_level(&loaded);
                self.tell_what_needs_a_restart(&loaded);
                self.change_token(loaded.access.token).await;
            }
            Err(error) => {
                // The mistakes are listed one a line.
                let error = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                tracing::error!("nothing is taken over: {error}");
            }
        }
    }

    fn change_level(&self, loaded: &Loaded) {
        let level = &loaded.config.log.level;
        match self.level.change(level) {
            Ok(()) => tracing::info!(level, "the log's level is taken over"),
            Err(error) => tracing::error!(level, "the log's level cannot be changed: {error}"),
        }
    }

    fn tell_what_needs_a_restart(&self, loaded: &Loaded) {
        let value = |origins: &[Origin], key: &str| {
            origins.iter().find(|it| it.key == key).map(|it| it.value.clone())
        };
        let keys = self.running.iter().chain(&loaded.origins).map(|origin| origin.key.as_str());
        let mut changed: Vec<_> = keys
            .filter(|key| !LIVE.contains(key))
            .filter(|key| value(&self.running, key) != value(&loaded.origins, key))
            .collect();
        // Secrets are shown alike, whatever they are.
        if let (Some(running), Some(new)) = (&self.bus.password, &loaded.config.bus.password)
            && !same(running, new)
        {
            changed.push("bus.password");
        }
        if !self.bus.url.is_same_as(&loaded.config.bus.url) {
            changed.push("bus.url");
        }
        changed.sort_unstable();
        changed.dedup();
        if !changed.is_empty() {
            let keys = changed.join(", ");
            tracing::warn!("needs a restart: {keys}");
        }
    }

    /// Has the token used if it is another and VK takes it. One that VK refuses is not shown to it
    /// again until its place has another, or until a SIGHUP.
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
                tracing::error!(
                    "the new token is not taken over, the old one stays in use: {error}"
                );
            }
            Err(error) => {
                // So that it is found anew.
                self.seen = self.in_use.clone();
                self.outage.fail();
                if self.outage.is_loud() {
                    let failures = self.outage.failures();
                    tracing::warn!(
                        failures,
                        "VK cannot be asked about the new token, trying again with the old one in use: {error}"
                    );
                }
            }
        }
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
