//! The layers of the configuration, the later winning over the earlier: the built-in defaults, the
//! file, the environment, the secret files.

use std::{collections::BTreeMap, path::Path};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::{
    catalogue::Catalogue,
    file::File,
    problem::Problem,
    secrets::{Found, Secret},
    sources::{Sources, environment},
};

/// The committed `Fetcher.toml`: documentation and defaults in one.
pub(super) const DEFAULTS: &str = include_str!("../../Fetcher.toml");

const PREFIX: &str = "FETCHER_";

/// Names the file, so it is no key.
const FILE_VARIABLE: &str = "FETCHER_CONFIG";

/// Reads and merges every layer, with the secrets that the caller has a use for, and tells what was
/// wrong with any of them.
pub(super) fn merge(sources: &Sources, secrets: &[&Secret]) -> (Figment, Vec<Problem>) {
    let mut problems = Vec::new();
    let defaults = kept(
        File::parse(Path::new("the built-in Fetcher.toml"), DEFAULTS.to_owned()),
        &mut problems,
    );
    let defaults = defaults.map(|file| file.keys).unwrap_or_default();
    let catalogue = Catalogue::new(&defaults);

    let figment = Figment::from(default_layer(&catalogue, &defaults))
        .merge(file_layer(sources, &catalogue, &mut problems))
        .merge(environment_layer(sources, &catalogue, secrets, &mut problems))
        .merge(secret_files_layer(sources, secrets, &mut problems));
    (figment, problems)
}

/// Reads one secret alone, and tells what was wrong with it.
pub(super) fn secret(sources: &Sources, secret: &Secret) -> (Figment, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut environment = Layer::named("environment");
    if let Some(Found { text, origin }) = secret.in_environment(sources) {
        environment.set(secret.key, text.into(), origin);
    }
    let files = secret_files_layer(sources, &[secret], &mut problems);
    (Figment::from(environment).merge(files), problems)
}

fn default_layer(catalogue: &Catalogue, defaults: &Dict) -> Layer {
    let mut layer = Layer::named("defaults");
    for (key, value) in catalogue.keys_in(defaults) {
        layer.set(&key, value, "default".to_owned());
    }
    layer
}

fn file_layer(sources: &Sources, catalogue: &Catalogue, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::named("file");
    let Some(file) = kept(File::find(sources), problems).flatten() else {
        return layer;
    };
    for (key, value) in catalogue.keys_in(&file.keys) {
        let origin = file.place_of(&key);
        if kept(catalogue.admit(&key, &origin, str::to_owned), problems).is_some() {
            layer.set(&key, value, origin);
        }
    }
    layer
}

fn environment_layer(
    sources: &Sources,
    catalogue: &Catalogue,
    secrets: &[&Secret],
    problems: &mut Vec<Problem>,
) -> Layer {
    let mut layer = Layer::named("environment");
    for (variable, text) in &sources.vars {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if variable == FILE_VARIABLE {
            continue;
        }
        let key = name.to_ascii_lowercase().replace("__", ".");
        let origin = environment(variable);
        if kept(catalogue.admit(&key, &origin, variable_of), problems).is_some() {
            layer.set(&key, catalogue.typed(&key, text), origin);
        }
    }

    if let Some(text) = sources.var("GROUPID") {
        let key = "vk.group_id";
        let long_form = variable_of(key);
        if sources.var(&long_form).is_some() {
            problems.push(Problem::Twice {
                key,
                first: "GROUPID".to_owned(),
                second: long_form,
                advice: "unset one of them".to_owned(),
            });
        }
        layer.set(key, catalogue.typed(key, text), environment("GROUPID"));
    }

    for secret in secrets {
        if let Some(Found { text, origin }) = secret.in_environment(sources) {
            layer.set(secret.key, text.into(), origin);
        }
    }
    layer
}

fn secret_files_layer(
    sources: &Sources,
    secrets: &[&Secret],
    problems: &mut Vec<Problem>,
) -> Layer {
    let mut layer = Layer::named("secret files");
    for secret in secrets {
        if let Some(Found { text, origin }) = kept(secret.in_files(sources), problems).flatten() {
            layer.set(secret.key, text.into(), origin);
        }
    }
    layer
}

/// Puts a problem with the others and goes on without the value.
fn kept<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

/// The environment variable that sets a key.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// One layer, as figment takes it: its keys, and for each where exactly it stands.
struct Layer {
    name: &'static str,
    keys: Dict,
    origins: BTreeMap<String, String>,
}

impl Layer {
    fn named(name: &'static str) -> Self {
        Self { name, keys: Dict::new(), origins: BTreeMap::new() }
    }

    fn set(&mut self, key: &str, value: Value, origin: String) {
        insert(&mut self.keys, key, value);
        self.origins.insert(key.to_owned(), origin);
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let origins = self.origins.clone();
        Metadata::named(self.name).interpolater(move |_, key| {
            let origin = origins.get(&key.join("."));
            origin.cloned().unwrap_or_default()
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.keys.clone()))
    }
}

fn insert(dict: &mut Dict, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            dict.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = dict.entry(section.to_owned()).or_insert_with(|| Dict::new().into());
            if let Value::Dict(_, inner) = section {
                insert(inner, rest, value);
            }
        }
    }
}
