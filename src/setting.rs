//! Deserializers for settings whose Rust type alone does not say which values are allowed.
//!
//! Each error names only the expected value. [`config`](crate::config) adds the key, the value and its source.

use std::{fmt::Display, ops::RangeInclusive, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IntoDeserializer},
};

/// Milliseconds in a second, for the bounds of [`duration`].
pub(crate) const SECOND: u64 = 1000;
/// Milliseconds in a minute.
pub(crate) const MINUTE: u64 = 60 * SECOND;
/// Milliseconds in an hour.
pub(crate) const HOUR: u64 = 60 * MINUTE;
/// Milliseconds in a year of 365 days.
pub(crate) const YEAR: u64 = 365 * 24 * HOUR;

/// Two keys whose values are valid separately but not together, and the rule between them:
/// `["names.hard_ttl", "must not be shorter than", "names.soft_ttl"]`.
pub(crate) type Contradiction = [&'static str; 3];

/// A value that is written with quotes or, rightly or by mistake, without.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Written {
    Number(i64),
    Text(String),
}

/// A text that `parse` accepts.
pub(crate) fn text<'de, D: Deserializer<'de>, T>(
    from: D,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(from).ok();
    text.as_deref().and_then(parse).ok_or_else(|| Error::custom(expected))
}

/// A whole number of `unit`.
pub(crate) fn whole<'de, D: Deserializer<'de>, T>(
    from: D,
    unit: &str,
    range: RangeInclusive<T>,
) -> Result<T, D::Error>
where
    T: Deserialize<'de> + PartialOrd + Display,
{
    T::deserialize(from).ok().filter(|it| range.contains(it)).ok_or_else(|| {
        let (from, to) = (range.start(), range.end());
        Error::custom(format!("a whole number of {unit}, from {from} to {to}"))
    })
}

/// A duration such as `"1m 30s"`, from `MIN` to `MAX` milliseconds.
pub(crate) fn duration<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    from: D,
) -> Result<Duration, D::Error> {
    let (min, max) = (Duration::from_millis(MIN), Duration::from_millis(MAX));
    let text = match Written::deserialize(from) {
        Ok(Written::Number(number)) => number.to_string(),
        Ok(Written::Text(text)) => text,
        Err(_) => String::new(),
    };
    match humantime::parse_duration(&text) {
        Ok(duration) if (min..=max).contains(&duration) => Ok(duration),
        _ => {
            let range = format!("from {} to {}", spell(min), spell(max));
            Err(Error::custom(if text.parse::<f64>().is_ok() {
                format!("a unit after the number, as in \"{text}s\", {range}")
            } else {
                format!("a duration with its unit, {range}, such as \"{}\"", spell(min))
            }))
        }
    }
}

/// A duration without a fraction of a second.
pub(crate) fn whole_seconds<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    from: D,
) -> Result<Duration, D::Error> {
    match duration::<D, MIN, MAX>(from)? {
        duration if duration.subsec_nanos() == 0 => Ok(duration),
        _ => Err(Error::custom("whole seconds, without a fraction")),
    }
}

/// One of the variants of `T`, an enum without fields.
pub(crate) fn choice<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<T, D::Error> {
    // A value that is not a text becomes the empty text, so that the error lists the variants.
    let word = String::deserialize(from).unwrap_or_default();
    T::deserialize(word.into_deserializer())
}

/// True or false.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    bool::deserialize(from).map_err(|_| Error::custom("true or false, without quotes"))
}

/// A list of texts, none of them empty.
pub(crate) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Vec::<String>::deserialize(from)
        .ok()
        .filter(|texts| texts.iter().all(|it| !it.is_empty()))
        .ok_or_else(|| Error::custom("a list of texts in quotes, none of them empty"))
}

/// The path of a PEM file; none for an empty text.
pub(crate) fn pem_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    text(from, "the path of a PEM file in quotes, or \"\" for none", |path| {
        Some((!path.is_empty()).then(|| path.into()))
    })
}

/// A duration as a whole number of the largest possible unit.
fn spell(duration: Duration) -> String {
    let millis = duration.as_millis();
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
        .into_iter()
        .find(|(unit, _)| millis.is_multiple_of(*unit))
        .map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}
