//! The TOML file: finding it, reading it, and telling at which line a key stands.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use figment::{
    Profile, Provider,
    providers::{Format, Toml},
    value::Dict,
};

use super::{problem::Problem, sources::Sources};

const NAME: &str = "Fetcher.toml";

/// A TOML file and its content.
pub(super) struct File {
    path: PathBuf,
    text: String,
    pub(super) keys: Dict,
}

impl File {
    /// The file that was named, else the first of the usual ones that exists, else none.
    pub(super) fn find(sources: &Sources) -> Result<Option<Self>, Problem> {
        let named =
            sources.config_flag.as_deref().or_else(|| sources.var("FETCHER_CONFIG").map(Path::new));
        if let Some(named) = named {
            let path = sources.path(named);
            return match Self::read(&path)? {
                Some(file) => Ok(Some(file)),
                None => Err(unusable(&path, "there is no such file")),
            };
        }
        for dir in [&sources.working_dir, &sources.etc_dir] {
            if let Some(file) = Self::read(&dir.join(NAME))? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    fn read(path: &Path) -> Result<Option<Self>, Problem> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(path, format!("cannot be read: {error}"))),
        }
    }

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Problem> {
        let mut profiles = Toml::string(&text)
            .data()
            .map_err(|error| unusable(path, without_excerpt(&error.kind.to_string())))?;
        Ok(Self {
            path: path.to_owned(),
            text,
            keys: profiles.remove(&Profile::Default).unwrap_or_default(),
        })
    }

    /// The file, and the line where `key` is set if it is easily found.
    pub(super) fn place_of(&self, key: &str) -> String {
        let path = self.path.display();
        match line_of(&self.text, key) {
            Some(line) => format!("{path}, line {line}"),
            None => path.to_string(),
        }
    }
}

fn unusable(path: &Path, reason: impl Into<String>) -> Problem {
    Problem::File { path: path.to_owned(), reason: reason.into() }
}

/// A TOML error without the excerpt it shows: that line of the file may hold a secret.
fn without_excerpt(error: &str) -> String {
    let is_excerpt = |line: &&str| {
        let gutter = line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
        !gutter.starts_with('|')
    };
    let lines: Vec<_> = error.lines().filter(is_excerpt).collect();
    lines.join("; ")
}

/// The line, from 1 on, that sets `key`, or the section or inline table that `key` is in.
///
/// The parsed values do not say where they stood, and a search through the lines is right for any
/// file that people write.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let bare = |part: &str| part.replace(['"', '\'', ' '], "");
    let mut section = String::new();
    let mut enclosing = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let here = if line.starts_with('[') {
            section = bare(line.split('#').next()?.trim_matches(['[', ']', ' ']));
            section.clone()
        } else {
            match line.split_once('=') {
                Some((name, _)) if section.is_empty() => bare(name),
                Some((name, _)) => format!("{section}.{}", bare(name)),
                None => continue,
            }
        };
        if here == key {
            return Some(number);
        }
        if key.strip_prefix(&here).is_some_and(|rest| rest.starts_with('.')) {
            enclosing = Some(number);
        }
    }
    enclosing
}
