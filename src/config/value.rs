//! Parsers of single values. Each says, when it refuses a value, what it expected instead.

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use figment::value::Value;
use reqwest::Url;
use secrecy::SecretString;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::sections::{Choice, Durability};

/// A whole number of `unit`.
pub(super) fn whole<T>(unit: &str, range: RangeInclusive<T>) -> impl Fn(&Value) -> Result<T, String>
where
    T: TryFrom<i128> + PartialOrd + Display,
{
    move |value| {
        integer(value)
            .and_then(|it| T::try_from(it).ok())
            .filter(|it| range.contains(it))
            .ok_or_else(|| {
                format!("a whole number of {unit}, from {} to {}", range.start(), range.end())
            })
    }
}

/// A community's number.
pub(super) fn group_id(value: &Value) -> Result<i64, String> {
    let expected = "the community's number, such as 123";
    match value {
        Value::String(_, text) => {
            let number = text.trim_start_matches(|c: char| c == '-' || c.is_ascii_alphabetic());
            let hint = match number.parse::<u32>() {
                Ok(number) if number.to_string() == *text => "without the quotes",
                Ok(number) if number > 0 => return Err(format!("the number alone: {number}")),
                _ => "a whole number above 0",
            };
            Err(format!("{expected}, {hint}"))
        }
        other => match integer(other).map(i64::try_from) {
            Some(Ok(id @ 1..)) => Ok(id),
            Some(Ok(id @ i64::MIN..=-1)) => {
                Err(format!("the number without the minus: {}", id.unsigned_abs()))
            }
            _ => Err(format!("{expected}, a whole number above 0")),
        },
    }
}

/// True or false.
pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    value.to_bool().ok_or_else(|| "true or false, without quotes".to_owned())
}

/// A span of time.
pub(super) fn duration(
    range: RangeInclusive<Duration>,
) -> impl Fn(&Value) -> Result<Duration, String> {
    move |value| {
        let (from, to) = (spell(*range.start()), spell(*range.end()));
        let bare = integer(value).map(|it| it.to_string());
        let text = bare.as_deref().or(value.as_str()).unwrap_or_default();
        if text.parse::<f64>().is_ok() {
            return Err(format!("a unit after the number, as in \"{text}s\", from {from} to {to}"));
        }
        humantime::parse_duration(text)
            .ok()
            .filter(|it| range.contains(it))
            .ok_or_else(|| format!("a time with its unit, from {from} to {to}, such as \"{from}\""))
    }
}

/// A span of time in whole seconds.
pub(super) fn whole_seconds(
    range: RangeInclusive<Duration>,
) -> impl Fn(&Value) -> Result<Duration, String> {
    let any = duration(range);
    move |value| {
        let duration = any(value)?;
        match duration.subsec_nanos() {
            0 => Ok(duration),
            _ => Err("whole seconds, with no part of a second".to_owned()),
        }
    }
}

/// One of a few words.
pub(super) fn choice<T: Choice>(value: &Value) -> Result<T, String> {
    let chosen = value.as_str();
    T::ALL
        .iter()
        .copied()
        .find(|it| chosen == Some(it.name()))
        .ok_or_else(|| format!("one of {}", names::<T>()))
}

/// Some of a few words, each at most once.
pub(super) fn choices<T: Choice + PartialEq>(value: &Value) -> Result<Vec<T>, String> {
    let expected = || format!("a list of one or more of {}, each once", names::<T>());
    let mut chosen = Vec::new();
    for item in value.as_array().ok_or_else(expected)? {
        let item = choice(item).map_err(|_| expected())?;
        if chosen.contains(&item) {
            return Err(expected());
        }
        chosen.push(item);
    }
    if chosen.is_empty() {
        return Err(expected());
    }
    Ok(chosen)
}

/// A list of texts, none of them empty.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    value
        .as_array()
        .and_then(|items| items.iter().map(|it| it.as_str().map(str::to_owned)).collect())
        .filter(|texts: &Vec<String>| texts.iter().all(|it| !it.is_empty()))
        .ok_or_else(|| "a list of texts in quotes, none of them empty".to_owned())
}

/// A part of a Redis name.
pub(super) fn name(value: &Value) -> Result<String, String> {
    let unfit = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}');
    value
        .as_str()
        .filter(|text| !text.is_empty() && !text.contains(unfit))
        .map(str::to_owned)
        .ok_or_else(|| "a name in quotes, without spaces or braces".to_owned())
}

/// What stands after the namespace in a stream's key; the service's other keys are taken.
pub(super) fn stream_name(value: &Value) -> Result<String, String> {
    let name = name(value)?;
    let first = name.split(':').next().unwrap_or_default();
    match first {
        "dead-letter" | "position" | "lease" | "seen" | "skipped" | "added" | "marks" => {
            Err(format!("another name, as the service keeps \"{first}\" for itself"))
        }
        _ => Ok(name),
    }
}

/// A file; an empty text is none.
pub(super) fn path(value: &Value) -> Result<Option<PathBuf>, String> {
    let path = value.as_str().ok_or("the path of a PEM file in quotes, or \"\" for none")?;
    Ok((!path.is_empty()).then(|| path.into()))
}

/// An address to serve at; an empty text is none.
pub(super) fn listen(value: &Value) -> Result<Option<SocketAddr>, String> {
    match value.as_str() {
        Some("") => Ok(None),
        text => text.and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
            "an IP address with a port, such as \"0.0.0.0:8080\", or \"\" for none".to_owned()
        }),
    }
}

/// Host names, as they stand in a browser's address, without scheme or port.
pub(super) fn hosts(value: &Value) -> Result<Vec<String>, String> {
    let is_name = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        !text.is_empty() && text.bytes().all(fits)
    };
    value
        .as_array()
        .and_then(|items| items.iter().map(|it| it.as_str().map(str::to_owned)).collect())
        .filter(|names: &Vec<String>| names.iter().all(|it| is_name(it)))
        .ok_or_else(|| {
            "a list of host names in quotes, without scheme or port, such as [\"fetcher.example\"]"
                .to_owned()
        })
}

/// What a commit waits for.
pub(super) fn durability(value: &Value) -> Result<Durability, String> {
    let replicas = |text: &str| {
        let number = text.strip_prefix("replicas=")?.parse().ok()?;
        (1..=100).contains(&number).then_some(Durability::Replicas(number))
    };
    match value.as_str() {
        Some("none") => Ok(Durability::None),
        Some("aof") => Ok(Durability::Aof),
        text => text
            .and_then(replicas)
            .ok_or_else(|| "\"none\", \"aof\" or \"replicas=N\" with N from 1 to 100".to_owned()),
    }
}

/// The version of an API, such as 5.199.
pub(super) fn version(value: &Value) -> Result<String, String> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    value
        .as_str()
        .filter(|text| {
            text.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor))
        })
        .map(str::to_owned)
        .ok_or_else(|| "a version in quotes, such as \"5.199\"".to_owned())
}

/// The address under which API methods are found; given a slash at its end if it lacks one.
pub(super) fn method_url(value: &Value) -> Result<Url, String> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let mut url =
        value.as_str().and_then(|text| Url::parse(text).ok()).filter(plain).ok_or_else(|| {
            "an http or https address without user, password, ? or #, \
             such as \"https://api.vk.ru/method/\""
                .to_owned()
        })?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// A level, or a filter by parts of the program.
pub(super) fn log_filter(value: &Value) -> Result<String, String> {
    // A lone word that is no level would be a filter that lets nothing else through: a mistyped
    // level would silence the service.
    let sensible = |text: &&str| {
        text.split(',').all(|part| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok())
            && EnvFilter::try_new(text).is_ok()
    };
    value.as_str().filter(sensible).map(str::to_owned).ok_or_else(|| {
        "\"error\", \"warn\", \"info\", \"debug\", \"trace\", \
             or a filter such as \"info,event_fetcher::vk=debug\""
            .to_owned()
    })
}

/// An access token: it goes into an HTTP header, where blanks and non-ASCII have no place.
pub(super) fn token(value: &Value) -> Result<SecretString, String> {
    value
        .as_str()
        .filter(|text| text.bytes().all(|it| it.is_ascii_graphic()))
        .map(SecretString::from)
        .ok_or_else(|| "a VK access token: one word of ASCII letters, digits and signs".to_owned())
}

/// A password.
pub(super) fn password(value: &Value) -> Result<SecretString, String> {
    value
        .as_str()
        .filter(|text| !text.contains(char::is_control))
        .map(SecretString::from)
        .ok_or_else(|| "a password on one line, without control characters".to_owned())
}

fn integer(value: &Value) -> Option<i128> {
    let unsigned = || i128::try_from(value.to_u128()?).ok();
    value.to_i128().or_else(unsigned)
}

fn names<T: Choice>() -> String {
    let names: Vec<_> = T::ALL.iter().map(|it| format!("\"{}\"", it.name())).collect();
    names.join(", ")
}

/// A duration in the largest unit that it is a whole number of.
fn spell(duration: Duration) -> String {
    let millis = duration.as_millis();
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
        .into_iter()
        .find(|(unit, _)| millis.is_multiple_of(*unit))
        .map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}
