//! The section `[vk]`, and the token.

use std::{path::PathBuf, time::Duration};

use reqwest::{Url, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    setting::{HOUR, MINUTE, SECOND, Written, duration, pem_file, text, whole, whole_seconds},
    text::excerpt,
};

const LANGS: &[&str] = &["ru", "ua", "be", "en", "es", "fi", "de", "it"];

/// The VK community and the connection to VK.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The community's number, above 0. Commands that fetch require it; see [`Access`].
    #[serde(default, deserialize_with = "group_id")]
    pub group_id: Option<i64>,
    /// The base URL of API methods; ends with a slash.
    #[serde(deserialize_with = "method_url")]
    pub api_url: Url,
    /// The version of the API, such as `5.199`.
    #[serde(deserialize_with = "version")]
    pub api_version: String,
    /// The language of names, as VK's parameter `lang`.
    #[serde(deserialize_with = "lang")]
    pub lang: String,
    /// How long VK may hold a poll open: whole seconds, 1s to 90s.
    #[serde(deserialize_with = "whole_seconds::<_, SECOND, { 90 * SECOND }>")]
    pub wait: Duration,
    /// The time without a new update after which VK is asked whether the Long Poll session still
    /// follows the queue: 1s to 1h.
    #[serde(deserialize_with = "duration::<_, SECOND, HOUR>")]
    pub session_check: Duration,
    /// How long one API call may take: 1s to 1m.
    #[serde(deserialize_with = "duration::<_, SECOND, MINUTE>")]
    pub timeout: Duration,
    /// The limit on API calls per second: 1 to 20.
    #[serde(deserialize_with = "requests")]
    pub requests_per_second: u32,
    /// Certificates for HTTPS.
    pub tls: Tls,
}

/// Certificates for the connection to VK.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate authorities to trust in addition to the system's, as a PEM file.
    #[serde(deserialize_with = "pem_file")]
    pub ca: Option<PathBuf>,
}

/// The community and the token that grants access to its events.
#[derive(Debug, Clone)]
pub struct Access {
    /// The community's number, above 0.
    pub group_id: i64,
    /// Its access token, valid in an HTTP header.
    pub token: SecretString,
}

/// The token and the HTTP header that carries it. `Debug` shows neither.
#[derive(Debug)]
pub(super) struct Credential {
    token: SecretString,
    authorization: HeaderValue,
}

impl Credential {
    /// # Errors
    /// If the token has characters that an HTTP header cannot have.
    pub(super) fn new(token: SecretString) -> anyhow::Result<Self> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer)
            .map_err(|_| anyhow::anyhow!("the token has characters that no VK token has"))?;
        authorization.set_sensitive(true);
        Ok(Self { token, authorization })
    }

    /// The value of the header `Authorization`.
    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// A text from VK without the token, shortened and escaped for the log.
    pub(super) fn redacted(&self, text: &str) -> String {
        excerpt(&text.replace(self.token.expose_secret(), "***"))
    }
}

fn lang<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let lang = String::deserialize(from).unwrap_or_default();
    if LANGS.contains(&lang.as_str()) {
        Ok(lang)
    } else {
        Err(Error::unknown_variant(&lang, LANGS))
    }
}

fn requests<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    whole(from, "requests a second", 1..=20)
}

/// A number above 0; other ways to write it get a hint.
fn group_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let expected = "the community's number, such as 123";
    Err(Error::custom(match Written::deserialize(from) {
        Ok(Written::Number(id @ 1..)) => return Ok(Some(id)),
        Ok(Written::Number(id @ i64::MIN..=-1)) => {
            format!("the number without the minus: {}", id.unsigned_abs())
        }
        Ok(Written::Text(text)) => {
            let number = text.trim_start_matches(|c: char| c == '-' || c.is_ascii_alphabetic());
            match number.parse::<u32>() {
                Ok(number) if number.to_string() == text => {
                    format!("{expected}, without the quotes")
                }
                Ok(number) if number > 0 => format!("the number alone: {number}"),
                _ => format!("{expected}, a whole number above 0"),
            }
        }
        _ => format!("{expected}, a whole number above 0"),
    }))
}

fn version<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    text(from, "a version in quotes, such as \"5.199\"", |text| {
        let (major, minor) = text.split_once('.')?;
        (number(major) && number(minor)).then(|| text.to_owned())
    })
}

/// Adds the slash at the end where it is missing.
fn method_url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    let expected = "an http or https address without user, password, ? or #, \
                    such as \"https://api.vk.ru/method/\"";
    text(from, expected, |text| {
        let mut url = Url::parse(text).ok()?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        is_plain.then_some(url)
    })
}
