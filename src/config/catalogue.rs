//! The keys that exist, as the committed `Fetcher.toml` lists them.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use super::{problem::Problem, secrets};

/// Keys that `Fetcher.toml` shows commented out, because no default would suit anyone.
const WITHOUT_DEFAULT: [&str; 1] = ["vk.group_id"];

/// How alike a known key must be to be suggested: 1 is the same, 0 has nothing in common.
const ALIKE: f64 = 0.7;

/// Every key that may be set, with its default if it has one.
pub(super) struct Catalogue {
    keys: BTreeMap<String, Option<Value>>,
}

impl Catalogue {
    pub(super) fn new(defaults: &Dict) -> Self {
        let mut keys = BTreeMap::new();
        walk(defaults, "", &mut |key, value| match value {
            Value::Dict(_, inner) if !inner.is_empty() => true,
            _ => {
                keys.insert(key, Some(value.clone()));
                false
            }
        });
        keys.extend(WITHOUT_DEFAULT.map(|key| (key.to_owned(), None)));
        Self { keys }
    }

    /// The keys that a file sets, known or not. Whatever stands at a known key is its value, even a
    /// table; an unknown section is told key by key, or by its own name when it is empty.
    pub(super) fn keys_in(&self, file: &Dict) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        walk(file, "", &mut |key, value| match value {
            Value::Dict(_, inner) if !self.keys.contains_key(&key) => {
                if inner.is_empty() && !self.is_section(&key) {
                    found.push((key, value.clone()));
                }
                true
            }
            _ => {
                found.push((key, value.clone()));
                false
            }
        });
        found
    }

    /// Refuses a key that may not be set in `origin`; `spell` writes a key as the origin would.
    pub(super) fn admit(
        &self,
        key: &str,
        origin: &str,
        spell: fn(&str) -> String,
    ) -> Result<(), Problem> {
        let (key, origin) = (key.to_owned(), origin.to_owned());
        if self.keys.contains_key(&key) {
            Ok(())
        } else if self.is_section(&key) {
            let example = self.keys_of(&key).next().map_or(&key, |it| it);
            let expected = format!("one of its keys to be set, such as {}", spell(example));
            Err(Problem::Invalid {
                found: "a value for a whole section".to_owned(),
                key,
                origin,
                expected,
            })
        } else if secrets::is_secret(&key) {
            let instead = secrets::proper_places(&key);
            Err(Problem::Misplaced { key, origin, instead })
        } else {
            let nearest = self.nearest(&key).map(spell);
            Err(Problem::Unknown { key, origin, nearest })
        }
    }

    /// An environment variable's text as a value. Variables have no types, so the default's type
    /// says how to read it: a text of digits stays a text. What cannot be read so stays a text too,
    /// for the reader of that key to refuse.
    pub(super) fn typed(&self, key: &str, text: &str) -> Value {
        let typed = match self.keys.get(key) {
            Some(Some(Value::Bool(..))) => text.trim().parse().map(|it: bool| it.into()).ok(),
            Some(Some(Value::Num(..)) | None) => text.trim().parse().map(|it: i64| it.into()).ok(),
            Some(Some(Value::Array(..))) => Some(list(text)),
            _ => None,
        };
        typed.unwrap_or_else(|| text.into())
    }

    fn is_section(&self, key: &str) -> bool {
        self.keys_of(key).next().is_some()
    }

    fn keys_of(&self, section: &str) -> impl Iterator<Item = &String> {
        let prefix = format!("{section}.");
        self.keys.keys().filter(move |key| key.starts_with(&prefix))
    }

    /// The known key most like `key`: as a whole, or by its last part when it stands in the wrong
    /// section.
    fn nearest(&self, key: &str) -> Option<&str> {
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let likeness = |known: &str| {
            let whole = strsim::normalized_damerau_levenshtein(key, known);
            let name = strsim::normalized_damerau_levenshtein(&last(key), &last(known));
            whole.max(0.9 * name)
        };
        self.keys
            .keys()
            .map(|known| (likeness(known), known.as_str()))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, known)| known)
    }
}

/// Visits every entry of nested tables with its dotted key; `visit` says whether to go deeper.
fn walk(dict: &Dict, prefix: &str, visit: &mut impl FnMut(String, &Value) -> bool) {
    for (name, value) in dict {
        let key = format!("{prefix}{name}");
        let inside = format!("{key}.");
        if visit(key, value)
            && let Value::Dict(_, inner) = value
        {
            walk(inner, &inside, visit);
        }
    }
}

/// `[a, b]` in figment's syntax, or one bare value.
fn list(text: &str) -> Value {
    let infallible = |never: std::convert::Infallible| match never {};
    let parsed: Value = text.parse().unwrap_or_else(infallible);
    match parsed {
        Value::Array(..) => parsed,
        _ => vec![text].into(),
    }
}
