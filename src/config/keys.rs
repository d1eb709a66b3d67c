//! The keys that exist: those of the built-in `Fetcher.toml`.

use figment::value::Value;

use super::{problem::Problem, secrets};

/// The only key that `Fetcher.toml` comments out, because there is no useful default.
pub(super) const GROUP_ID: &str = "vk.group_id";

/// The only key of the layers whose value may hold a secret: a password in the address.
pub(super) const BUS_URL: &str = "bus.url";

/// Keys of earlier versions, with their present names.
const RENAMED: [(&str, &str); 4] = [
    ("names.fresh", "names.soft_ttl"),
    ("names.stale", "names.hard_ttl"),
    ("names.unknown", "names.negative_ttl"),
    ("bus.repeat_window", "bus.dedup_window"),
];

/// The least similarity of a known key that is suggested, from 0 to 1 (equal).
const SIMILAR: f64 = 0.7;

/// Every key that may be set with its default, in the order of `Fetcher.toml`.
#[derive(Debug)]
pub(super) struct Keys(pub(super) Vec<(String, Option<Value>)>);

impl Keys {
    pub(super) fn default_of(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key)?.1.as_ref()
    }

    /// Whether there is such a key.
    pub(super) fn contain(&self, key: &str) -> bool {
        self.names().any(|known| known == key)
    }

    /// Whether there are keys in such a section.
    pub(super) fn contain_section(&self, section: &str) -> bool {
        self.in_section(section).next().is_some()
    }

    /// Checks that a key may be set in `source`; `spell` writes a key in the notation of the source.
    pub(super) fn admit(
        &self,
        key: &str,
        source: &str,
        spell: fn(&str) -> String,
    ) -> Result<(), Problem> {
        if self.contain(key) {
            return Ok(());
        }
        if let Some(example) = self.in_section(key).min() {
            let expected = format!("one of its keys to be set, such as {}", spell(example));
            return Err(Problem::invalid(key, "a value for a whole section", source, &expected));
        }
        let renamed = RENAMED.iter().find(|(old, _)| *old == key);
        Err(Problem::key(
            key,
            if secrets::is_secret(key) {
                let instead = secrets::proper_places(key);
                format!("a secret does not belong in {source}; {instead}")
            } else if let Some((_, new)) = renamed {
                format!("renamed to {}; found in {source}", spell(new))
            } else if let Some(nearest) = self.nearest(key) {
                format!("unknown key in {source}; did you mean {}?", spell(nearest))
            } else {
                format!("unknown key in {source}")
            },
        ))
    }

    /// Parses the text of an environment variable, in figment's syntax. If the default is a text, so is the
    /// variable, exactly as written: `5.200` is then no number.
    pub(super) fn parse(&self, key: &str, text: &str) -> Value {
        let Ok(parsed) = text.parse::<Value>();
        match self.default_of(key) {
            Some(Value::String(..)) => text.into(),
            Some(Value::Array(..)) if parsed.as_array().is_none() => vec![text].into(),
            _ => parsed,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    fn in_section(&self, section: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{section}.");
        self.names().filter(move |key| key.starts_with(&prefix))
    }

    /// The known key most similar to `key`, as a whole or, for a key in the wrong section, by its last part.
    fn nearest(&self, key: &str) -> Option<&str> {
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let similarity = |known: &str| {
            let whole = strsim::normalized_damerau_levenshtein(key, known);
            let name = strsim::normalized_damerau_levenshtein(&last(key), &last(known));
            whole.max(0.9 * name)
        };
        self.names()
            .map(|known| (similarity(known), known))
            .filter(|(similarity, _)| *similarity >= SIMILAR)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, known)| known)
    }
}
