//! The configuration: reads the layers, checks every key and extracts the sections.
//!
//! A key such as `vk.wait` is written in two places: in the committed `Fetcher.toml`, with its default and its
//! comment, and as a field of the section's struct, here `vk::Config`, with its type and range (by a
//! deserializer in `setting`). [`load`] then does the following:
//!
//! 1. `Layers::read` reads three layers, of which the later wins: the committed `Fetcher.toml`, which is
//!    built in and defines the known keys; the operator's file; the environment (`FETCHER_VK__WAIT`).
//! 2. `Layers::secret` reads the token and the password, which bypass the layers, from their own places.
//! 3. `Layers::finish` has figment extract [`Config`] once for each key, so that all mistakes are reported
//!    together, each with its source and the expected value. Then it extracts the whole.

mod file;
mod keys;
mod layers;
mod problem;
mod secrets;
mod show;
mod sources;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
mod tests;

use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    bus::{self, Encoding},
    converter, enrich,
    ops::{http, telemetry},
    setting::Contradiction,
    vk::{self, Access},
};
use keys::GROUP_ID;
use layers::Layers;
pub use layers::Origin;
pub use problem::{ConfigError, Problem};
use secrets::TOKEN;
pub use sources::Sources;

const GROUP_ID_PLACES: &str =
    "set GROUPID in the environment, or group_id under [vk] in Fetcher.toml";

/// The sections of `Fetcher.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The community and the connection to VK.
    pub vk: vk::Config,
    /// How an update becomes an event.
    pub converter: converter::Config,
    /// The cache of names.
    pub names: enrich::Config,
    /// The bus on which events leave.
    pub bus: bus::Config,
    /// The HTTP port.
    pub http: http::Config,
    /// The log.
    pub log: telemetry::Config,
}

impl Config {
    fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = self.names.contradictions();
        found.extend(self.bus.contradictions());
        if self.bus.pubsub.encoding == Encoding::Pickle && !self.converter.reply_author {
            // The Reply class of the Python predecessor requires the author.
            found.push(["bus.pubsub.encoding", "does not go with", "converter.reply_author"]);
        }
        found
    }
}

/// The configuration of a service that runs.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The community and its token.
    pub access: Access,
    /// Every setting in force and its source, in the order of `Fetcher.toml`.
    pub origins: Vec<Origin>,
}

impl Loaded {
    /// Where a setting comes from; none if it is not set.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&str> {
        let origin = self.origins.iter().find(|origin| origin.key == key)?;
        Some(&origin.source)
    }
}

/// Loads the configuration of the service.
///
/// # Errors
/// If the configuration has mistakes, among them a missing group id or token.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::read(sources);
    layers.require(GROUP_ID, layers.set(GROUP_ID), GROUP_ID_PLACES);
    let token = layers.secret(&TOKEN, sources);
    layers.require(TOKEN.key, token.is_some(), &TOKEN.places());
    let (config, origins) = layers.finish(sources)?;
    match (config.vk.group_id, token) {
        (Some(group_id), Some(token)) => {
            Ok(Loaded { config, access: Access { group_id, token }, origins })
        }
        // Reported above, so `finish` has failed.
        _ => Err(ConfigError { problems: vec![Problem::missing(GROUP_ID, GROUP_ID_PLACES)] }),
    }
}

/// Loads the settings for a command that does not use the token. `vk.group_id` is optional.
///
/// # Errors
/// If the configuration has mistakes.
pub fn load_without_token(sources: &Sources) -> Result<Config, ConfigError> {
    let (config, _) = Layers::read(sources).finish(sources)?;
    Ok(config)
}

/// Loads the settings for a command that does not call VK. The group id and the token are not read, so that
/// the command also works where it may not read the token's file.
///
/// # Errors
/// If the configuration has other mistakes.
pub fn load_without_access(sources: &Sources) -> Result<Config, ConfigError> {
    let (config, _) = Layers::read(sources).without(GROUP_ID).finish(sources)?;
    Ok(config)
}

/// Reads the token alone, again; none if it is not set.
///
/// # Errors
/// If the token cannot be read or is not valid.
pub fn load_token(sources: &Sources) -> Result<Option<SecretString>, Problem> {
    Ok(TOKEN.read(sources)?.map(|found| found.text))
}
