//! The places of the secrets, and their order of precedence.
//!
//! A secret file wins over the environment, so that a token that is baked into an image can be replaced at
//! run time. A file named by the operator (`TOKEN_FILE`) wins over those that merely exist (a systemd
//! credential, then `/run/secrets`). A variable together with its own `_FILE` is an error, because the
//! operator set both and one would be ignored.

use std::{fs, io, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{
    problem::Problem,
    sources::{Sources, environment},
};
use crate::text;

/// The description of a value that may hold a secret.
pub(super) const HIDDEN: &str = "a value that is not shown, as it may hold a secret";

/// A secret, with its names.
pub(super) struct Secret {
    pub(super) key: &'static str,
    variable: &'static str,
    file_variable: &'static str,
    /// The name as a systemd credential and under `/run/secrets`.
    file: &'static str,
    is_valid: fn(&str) -> bool,
    expected: &'static str,
}

pub(super) const TOKEN: Secret = Secret {
    key: "vk.token",
    variable: "TOKEN",
    file_variable: "TOKEN_FILE",
    file: "token",
    // It becomes part of an HTTP header.
    is_valid: |text| text.bytes().all(|it| it.is_ascii_graphic()),
    expected: "a VK access token: one word of ASCII letters, digits and signs",
};

pub(super) const REDIS_PASSWORD: Secret = Secret {
    key: "bus.password",
    variable: "REDIS_PASSWORD",
    file_variable: "REDIS_PASSWORD_FILE",
    file: "redis-password",
    is_valid: |text| !text.contains(char::is_control),
    expected: "a password on one line, without control characters",
};

/// A secret and its source.
pub(super) struct Found {
    pub(super) text: SecretString,
    pub(super) source: String,
}

/// Whether a key, known or not, looks like that of a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    name.contains("token") || name.contains("password")
}

/// Where to put the secret that was set as `key`.
pub(super) fn proper_places(key: &str) -> String {
    if key.contains("token") { TOKEN.places() } else { REDIS_PASSWORD.places() }
}

impl Secret {
    /// Every place the secret can come from.
    pub(super) fn places(&self) -> String {
        format!(
            "set {} or {}, or provide the systemd credential \"{file}\" or the file \
             /run/secrets/{file}",
            self.variable,
            self.file_variable,
            file = self.file
        )
    }

    /// Reads the secret; none if it is not set.
    pub(super) fn read(&self, sources: &Sources) -> Result<Option<Found>, Problem> {
        let variable = sources.var(self.variable);
        let (text, source) = match (self.in_files(sources)?, variable) {
            (None, None) => return Ok(None),
            (None, Some(text)) => (text.into(), environment(self.variable)),
            (Some(found), None) => found,
            (Some((text, file)), Some(_)) => {
                (text, format!("{file} (wins over {})", environment(self.variable)))
            }
        };
        if (self.is_valid)(text.expose_secret()) {
            Ok(Some(Found { text, source }))
        } else {
            Err(Problem::invalid(self.key, HIDDEN, &source, self.expected))
        }
    }

    /// The secret in the first file that is named or exists, and its source.
    fn in_files(&self, sources: &Sources) -> Result<Option<(SecretString, String)>, Problem> {
        let (variable, file_variable) = (self.variable, self.file_variable);
        if let Some(named) = sources.var(file_variable) {
            if sources.var(variable).is_some() {
                let reason = format!(
                    "set by both {variable} and {file_variable}; unset one of them (where \
                     {variable} is baked into an image, mount the secret as /run/secrets/{} \
                     instead, which wins over it)",
                    self.file
                );
                return Err(Problem::key(self.key, reason));
            }
            let path = sources.path(named);
            let source = format!("{} (named by {file_variable})", path.display());
            return match self.in_file(path, &source)? {
                Some(text) => Ok(Some((text, source))),
                None => Err(Problem::key(self.key, format!("{source} does not exist"))),
            };
        }
        let credentials = sources.var("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        for dir in credentials.iter().chain([&sources.run_secrets_dir]) {
            let path = dir.join(self.file);
            let source = path.display().to_string();
            if let Some(text) = self.in_file(path, &source)? {
                return Ok(Some((text, source)));
            }
        }
        Ok(None)
    }

    /// The file's text without blanks around it; none if there is no such file.
    fn in_file(&self, path: PathBuf, source: &str) -> Result<Option<SecretString>, Problem> {
        let reason = match fs::read_to_string(path).map(SecretString::from) {
            Ok(text) => match text.expose_secret().trim() {
                "" => "is empty".to_owned(),
                text => return Ok(Some(text.into())),
            },
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => return Ok(None),
                io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
                _ => format!("cannot be read: {}", text::cause(&error)),
            },
        };
        Err(Problem::key(self.key, format!("{source} {reason}")))
    }
}
