//! The layers of settings: the defaults, the file, the environment.

use std::{collections::BTreeMap, path::Path};

use figment::{Figment, error::Kind, providers::Serialized, value::Value};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Config,
    file::{self, Entry},
    keys::{BUS_URL, GROUP_ID, Keys},
    problem::{ConfigError, Problem},
    secrets::{Found, HIDDEN, REDIS_PASSWORD, Secret},
    show,
    sources::{Sources, environment},
};
use crate::bus::BusUrl;

/// The committed `Fetcher.toml`: documentation and defaults in one.
pub(super) const REFERENCE: &str = include_str!("../../Fetcher.toml");
const REFERENCE_NAME: &str = "the built-in Fetcher.toml";

const PREFIX: &str = "FETCHER_";
/// The variable that names the file, and no key.
const FILE_VARIABLE: &str = "FETCHER_CONFIG";
const DEFAULT: &str = "default";

/// A setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The key, such as `vk.wait`.
    pub key: String,
    /// Its value as written; `***` for a secret.
    pub value: String,
    /// Where it comes from: a file with the line, an environment variable, or `default`.
    pub source: String,
}

/// The settings of all layers, and the problems found so far. Holds no secret as plain text.
#[derive(Debug)]
pub(super) struct Layers {
    keys: Keys,
    /// The values set by the file and the environment, with their sources. The environment wins.
    settings: BTreeMap<String, (Value, String)>,
    /// The address of the bus, if they set a valid one. `settings` has it without its password.
    bus_url: Option<BusUrl>,
    /// The secrets in use.
    secrets: Vec<Origin>,
    problems: Vec<Problem>,
}

impl Layers {
    /// Reads all layers.
    pub(super) fn read(sources: &Sources) -> Self {
        let mut layers = Self {
            keys: Keys(vec![(GROUP_ID.to_owned(), None)]),
            settings: BTreeMap::new(),
            bus_url: None,
            secrets: Vec::new(),
            problems: Vec::new(),
        };
        layers.read_defaults();
        layers.read_file(sources);
        layers.read_environment(sources);
        layers
    }

    fn read_defaults(&mut self) {
        let entries = file::entries(Path::new(REFERENCE_NAME), &REFERENCE.into(), &|_| false);
        for Entry { key, value, .. } in self.keep(entries).unwrap_or_default() {
            self.keys.0.push((key, Some(value)));
        }
    }

    fn read_file(&mut self, sources: &Sources) {
        let Some((path, text)) = self.keep(file::find(sources)).flatten() else { return };
        let entries = file::entries(&path, &text, &|key| self.keys.contain(key));
        for Entry { key, value, line } in self.keep(entries).unwrap_or_default() {
            let is_empty = value.as_dict().is_some_and(figment::value::Dict::is_empty);
            if is_empty && self.keys.contain_section(&key) {
                continue;
            }
            let source = format!("{}, line {line}", path.display());
            if self.keep(self.keys.admit(&key, &source, str::to_owned)).is_some() {
                self.put(&key, value, source);
            }
        }
    }

    fn read_environment(&mut self, sources: &Sources) {
        for (variable, text) in &sources.vars {
            let name = variable.strip_prefix(PREFIX).filter(|_| variable != FILE_VARIABLE);
            let Some(key) = name.map(|name| name.to_ascii_lowercase().replace("__", ".")) else {
                continue;
            };
            let source = environment(variable);
            if self.keep(self.keys.admit(&key, &source, variable_of)).is_some() {
                self.put(&key, self.keys.parse(&key, text.expose_secret()), source);
            }
        }
        if let Some(text) = sources.var("GROUPID") {
            let other = variable_of(GROUP_ID);
            if sources.var(&other).is_some() {
                let reason = format!("set by both GROUPID and {other}; unset one of them");
                self.problems.push(Problem::key(GROUP_ID, reason));
            }
            self.put(GROUP_ID, self.keys.parse(GROUP_ID, text), environment("GROUPID"));
        }
    }

    /// Sets a known key. The password in `bus.url` is stored in `bus_url` only.
    fn put(&mut self, key: &str, mut value: Value, source: String) {
        if key == BUS_URL {
            self.bus_url = value.as_str().and_then(BusUrl::parse);
            value = self.bus_url.as_ref().map(BusUrl::to_string).unwrap_or_default().into();
        }
        self.settings.insert(key.to_owned(), (value, source));
    }

    /// Returns the value, or records the problem.
    fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Resets `key` to its default.
    pub(super) fn without(mut self, key: &str) -> Self {
        self.settings.remove(key);
        self
    }

    /// Whether the file or the environment sets `key`.
    pub(super) fn set(&self, key: &str) -> bool {
        self.settings.contains_key(key)
    }

    /// Reports that a required key is missing, if it is and no earlier problem explains it.
    pub(super) fn require(&mut self, key: &str, is_set: bool, places: &str) {
        if !is_set && !self.has_problem(key) {
            self.problems.push(Problem::missing(key, places));
        }
    }

    /// Reads a secret, or records why it cannot be used; none also if it is not set.
    pub(super) fn secret(&mut self, secret: &Secret, sources: &Sources) -> Option<SecretString> {
        let Found { text, source } = self.keep(secret.read(sources)).flatten()?;
        self.secrets.push(Origin { key: secret.key.to_owned(), value: "***".to_owned(), source });
        Some(text)
    }

    fn has_problem(&self, key: &str) -> bool {
        self.problems.iter().any(|it| it.is_about(key))
    }

    /// Checks all settings, and extracts the configuration if there is no problem.
    pub(super) fn finish(
        mut self,
        sources: &Sources,
    ) -> Result<(Config, Vec<Origin>), ConfigError> {
        let figment = self.check_each();
        let password = self.secret(&REDIS_PASSWORD, sources);
        if password.is_some() && self.bus_url.as_ref().is_some_and(BusUrl::has_password) {
            let [url, password] = [BUS_URL, REDIS_PASSWORD.key].map(|key| self.source(key));
            let reason =
                format!("set by both {BUS_URL} ({url}) and {password}; take it out of {BUS_URL}");
            self.problems.push(Problem::key(REDIS_PASSWORD.key, reason));
        }
        let config = figment.extract::<Config>().map_err(|error| Problem::File {
            path: REFERENCE_NAME.into(),
            reason: error.to_string(),
        });
        if let Some(mut config) = self.keep(config) {
            config.bus.password = password;
            config.bus.url = self.bus_url.take().unwrap_or(config.bus.url);
            self.check_together(&config);
            if self.problems.is_empty() {
                let origins = self.origins();
                return Ok((config, origins));
            }
        }
        Err(ConfigError { problems: self.problems })
    }

    /// Extracts each setting over the defaults alone, so that one mistake does not hide another. Returns
    /// the defaults with all valid settings.
    fn check_each(&mut self) -> Figment {
        let defaults =
            self.keys.0.iter().fold(Figment::new(), |figment, (key, value)| match value {
                Some(value) => figment.merge(Serialized::default(key, value)),
                None => figment,
            });
        let mut valid = defaults.clone();
        for (key, _) in &self.keys.0 {
            let Some((value, source)) = self.settings.get(key) else { continue };
            let layer = Serialized::default(key, value);
            match defaults.clone().merge(&layer).extract::<Config>() {
                Ok(_) => valid = valid.merge(layer),
                Err(error) => {
                    let hidden = (key == BUS_URL).then(|| HIDDEN.to_owned());
                    let found = hidden.unwrap_or_else(|| show::in_message(value));
                    let expected = expected(error.kind);
                    self.problems.push(Problem::invalid(key, &found, source, &expected));
                }
            }
        }
        valid
    }

    /// Records contradictions between values that are valid separately.
    fn check_together(&mut self, config: &Config) {
        for [key, rule, other] in config.contradictions() {
            if self.has_problem(key) || self.has_problem(other) {
                continue;
            }
            let [first, second] = [key, other].map(|key| {
                let value = self.value(key).map(show::in_message).unwrap_or_default();
                format!("{key} = {value} ({})", self.source(key))
            });
            self.problems.push(Problem::Contradiction(format!("{first} {rule} {second}")));
        }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.settings.get(key).map(|(value, _)| value).or_else(|| self.keys.default_of(key))
    }

    fn source(&self, key: &str) -> &str {
        let secret = || Some(self.secrets.iter().find(|it| it.key == key)?.source.as_str());
        let set = self.settings.get(key).map(|(_, source)| source.as_str());
        set.or_else(secret).unwrap_or(DEFAULT)
    }

    /// Every setting in effect; a secret is the first of its section.
    fn origins(&self) -> Vec<Origin> {
        let origin = |(key, _): &(String, _)| {
            let value = show::plain(self.value(key)?);
            Some(Origin { key: key.clone(), value, source: self.source(key).to_owned() })
        };
        let mut origins: Vec<_> = self.keys.0.iter().filter_map(origin).collect();
        for secret in &self.secrets {
            let section = secret.key.split('.').next().unwrap_or_default();
            let at = origins.iter().position(|it| it.key.starts_with(section)).unwrap_or_default();
            origins.insert(at, secret.clone());
        }
        origins
    }
}

/// The expected value, as the type that rejected the actual one describes it.
fn expected(rejection: Kind) -> String {
    match rejection {
        Kind::Message(expected)
        | Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected) => expected,
        Kind::UnknownVariant(_, words) => {
            let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("one of {}", words.join(", "))
        }
        other => other.to_string(),
    }
}

/// The environment variable that sets a key.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}
