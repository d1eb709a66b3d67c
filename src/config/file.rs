//! The TOML file: finds it, and reads its keys with their lines.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use figment::value::Value;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::IntoDeserializer};
use toml_edit::{ImDocument, Item, Key, TableLike};

use super::{problem::Problem, sources::Sources};
use crate::text;

const NAME: &str = "Fetcher.toml";

/// A key that a file sets.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    /// The line of the key, from 1 on.
    pub(super) line: usize,
}

/// The file named by the operator, otherwise the first of the usual files that exists, otherwise none. Its
/// text may hold secrets.
pub(super) fn find(sources: &Sources) -> Result<Option<(PathBuf, SecretString)>, Problem> {
    let named =
        sources.config_flag.as_deref().or_else(|| sources.var("FETCHER_CONFIG").map(Path::new));
    let paths = match named {
        Some(named) => vec![sources.path(named)],
        None => [&sources.working_dir, &sources.etc_dir].map(|dir| dir.join(NAME)).into(),
    };
    for path in paths {
        let reason = match fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((path, text.into()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match named {
                Some(_) => "there is no such file".to_owned(),
                None => continue,
            },
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                "is not UTF-8 text".to_owned()
            }
            Err(error) => format!("cannot be read: {}", text::cause(&error)),
        };
        return Err(Problem::File { path, reason });
    }
    Ok(None)
}

/// The keys that a TOML text sets, in its order. A table is a value if `is_key` says so, or if it is empty.
pub(super) fn entries(
    path: &Path,
    text: &SecretString,
    is_key: &dyn Fn(&str) -> bool,
) -> Result<Vec<Entry>, Problem> {
    let text = text.expose_secret();
    let line = |span: Option<Range<usize>>| {
        let before = text.bytes().take(span.unwrap_or_default().start);
        1 + before.filter(|it| *it == b'\n').count()
    };
    let document = ImDocument::parse(text).map_err(|error| {
        // The error's `Display` shows the text of the line, which may hold a secret.
        let message = error.message().trim().replace('\n', "; ");
        let reason = format!("TOML parse error at line {}: {message}", line(error.span()));
        Problem::File { path: path.to_owned(), reason }
    })?;
    let entry = |(key, item, span): (String, &Item, _)| {
        let value = item.clone().into_value().ok()?;
        Some(Entry {
            key,
            value: Deserialize::deserialize(value.into_deserializer()).ok()?,
            line: line(span),
        })
    };
    Ok(leaves("", document.as_table(), is_key).into_iter().filter_map(entry).collect())
}

fn leaves<'a>(
    section: &str,
    table: &'a dyn TableLike,
    is_key: &dyn Fn(&str) -> bool,
) -> Vec<(String, &'a Item, Option<Range<usize>>)> {
    let mut found = Vec::new();
    for (name, item) in table.iter() {
        let key = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        match item.as_table_like() {
            Some(inner) if !inner.is_empty() && !is_key(&key) => {
                found.extend(leaves(&key, inner, is_key));
            }
            _ => found.push((key, item, table.key(name).and_then(Key::span))),
        }
    }
    found
}
