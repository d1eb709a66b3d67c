//! The configuration: where settings come from, what they may be, and what they are.
//!
//! Four layers are merged, the later winning over the earlier: the committed `Fetcher.toml`, which
//! is built in; the file; the environment; secret files. Every key is then read and checked, and
//! all mistakes are reported together, each with its source and with what was expected.

mod assemble;
mod bus_url;
mod catalogue;
mod file;
mod layers;
mod pickle_classes;
mod problem;
mod reader;
mod secrets;
mod sections;
mod show;
mod sources;
mod value;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
mod tests;

pub use bus_url::{BusUrl, RedisUrl, Topology};
pub use pickle_classes::PickleClasses;
pub use problem::{ConfigError, Problem};
pub use reader::Origin;
pub use sections::{
    Access, Ages, Bus, ClientCertificate, Config, Converter, Delivery, Durability, Encoding,
    EventNames, Http, Lang, Log, LogFormat, Names, Tls, Unresolved, Unrouted, Vk,
};
pub use sources::Sources;

use reader::Reader;
use secrecy::SecretString;
use secrets::{REDIS_PASSWORD, TOKEN};

/// All that the service needs to run.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Whose events are fetched, and by what right.
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

/// Loads everything; that the group id or the token is missing is a mistake like any other.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let (figment, problems) = layers::merge(sources, &[&TOKEN, &REDIS_PASSWORD]);
    let mut reader = Reader::new(figment, problems);
    let access = assemble::access(&mut reader);
    let config = assemble::config(&mut reader);
    let ((access, config), origins) = reader.finish(access.zip(config))?;
    Ok(Loaded { config, access, origins })
}

/// Loads what a command needs that looks after one community, and the community's number where it is
/// set. The token is neither required nor looked at.
pub fn load_without_token(sources: &Sources) -> Result<(Config, Option<i64>), ConfigError> {
    let (figment, problems) = layers::merge(sources, &[&REDIS_PASSWORD]);
    let mut reader = Reader::new(figment, problems);
    let group_id = assemble::group_id(&mut reader);
    let config = assemble::config(&mut reader);
    let (config, _) = reader.finish(config)?;
    Ok((config, group_id))
}

/// Loads the token alone, as it is in its place by now.
pub fn load_token(sources: &Sources) -> Result<SecretString, ConfigError> {
    let (figment, problems) = layers::secret(sources, &TOKEN);
    let mut reader = Reader::new(figment, problems);
    let token = assemble::access_token(&mut reader);
    Ok(reader.finish(token)?.0)
}

/// Loads what a command needs that does not speak to VK. The group id and the token are neither
/// required nor looked at: such a command also works where the token's file may not be read.
pub fn load_without_access(sources: &Sources) -> Result<Config, ConfigError> {
    let (figment, problems) = layers::merge(sources, &[&REDIS_PASSWORD]);
    let mut reader = Reader::new(figment, problems);
    let config = assemble::config(&mut reader);
    let (config, _) = reader.finish(config)?;
    Ok(config)
}
