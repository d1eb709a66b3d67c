//! Where the secrets come from, and which place wins.
//!
//! Secret files are the last layer, so a file wins over the environment: an image with a token baked
//! in can be given another one at run time. Among the files the one that was named (`TOKEN_FILE`)
//! wins over those that merely exist (a systemd credential, then `/run/secrets`). Only a variable
//! together with its own `_FILE` is an error: both were asked for, and one would be ignored.

use std::{fs, io, path::PathBuf};

use super::{
    problem::Problem,
    sources::{Sources, environment},
};

/// A secret and the names it goes by.
pub(super) struct Secret {
    pub(super) key: &'static str,
    variable: &'static str,
    file_variable: &'static str,
    /// The name as a systemd credential and under `/run/secrets`.
    file: &'static str,
}

pub(super) const TOKEN: Secret =
    Secret { key: "vk.token", variable: "TOKEN", file_variable: "TOKEN_FILE", file: "token" };

pub(super) const REDIS_PASSWORD: Secret = Secret {
    key: "bus.password",
    variable: "REDIS_PASSWORD",
    file_variable: "REDIS_PASSWORD_FILE",
    file: "redis-password",
};

/// A secret's text and where it stood.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) origin: String,
}

/// Whether a key, known or not, looks as if its value were a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    name.contains("token") || name.contains("password")
}

/// Where to put the secret that somebody wrote under `key`.
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

    /// The secret in the environment itself.
    pub(super) fn in_environment(&self, sources: &Sources) -> Option<Found> {
        sources
            .var(self.variable)
            .map(|text| Found { text: text.to_owned(), origin: environment(self.variable) })
    }

    /// The secret in the first file that is named or exists.
    pub(super) fn in_files(&self, sources: &Sources) -> Result<Option<Found>, Problem> {
        let variable = sources.var(self.variable);
        if let Some(named) = sources.var(self.file_variable) {
            if variable.is_some() {
                return Err(self.set_twice());
            }
            let path = sources.path(named);
            let origin = format!("{} (named by {})", path.display(), self.file_variable);
            let text = self.read(path, &origin)?;
            return match text {
                Some(text) => Ok(Some(Found { text, origin })),
                None => Err(self.unusable(&origin, "does not exist")),
            };
        }

        let credentials = sources.var("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        for dir in credentials.iter().chain([&sources.run_secrets_dir]) {
            let path = dir.join(self.file);
            let place = path.display().to_string();
            if let Some(text) = self.read(path, &place)? {
                let origin = match variable {
                    Some(_) => {
                        format!("{place} (wins over {})", environment(self.variable))
                    }
                    None => place,
                };
                return Ok(Some(Found { text, origin }));
            }
        }
        Ok(None)
    }

    /// The file's text without blanks around it; none if there is no such file.
    fn read(&self, path: PathBuf, origin: &str) -> Result<Option<String>, Problem> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(self.unusable(origin, &format!("cannot be read: {error}")));
            }
        };
        let text =
            String::from_utf8(bytes).map_err(|_| self.unusable(origin, "is not UTF-8 text"))?;
        match text.trim() {
            "" => Err(self.unusable(origin, "is empty")),
            text => Ok(Some(text.to_owned())),
        }
    }

    fn unusable(&self, origin: &str, reason: &str) -> Problem {
        Problem::Secret { key: self.key, origin: origin.to_owned(), reason: reason.to_owned() }
    }

    fn set_twice(&self) -> Problem {
        Problem::Twice {
            key: self.key,
            first: self.variable.to_owned(),
            second: self.file_variable.to_owned(),
            advice: format!(
                "unset one of them (where {} is baked into an image, mount the secret as \
                 /run/secrets/{} instead, which wins over it)",
                self.variable, self.file
            ),
        }
    }
}
