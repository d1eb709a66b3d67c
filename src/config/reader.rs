//! Reads the merged layers key by key, and goes on after a mistake, so that all are told at once.

use figment::{Figment, value::Value};

use super::{
    problem::{ConfigError, Problem},
    show,
};

/// What stands in place of a value that may hold a secret.
const HIDDEN: &str = "a value that is not shown, as it may hold a secret";

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The key, such as `vk.wait`.
    pub key: &'static str,
    /// Its value as it was written; `***` for a secret.
    pub value: String,
    /// Where it comes from: a file with the line, an environment variable, or `default`.
    pub source: String,
}

/// Gives the values out, and collects what was read and what was wrong.
pub(super) struct Reader {
    figment: Figment,
    problems: Vec<Problem>,
    origins: Vec<Origin>,
}

impl Reader {
    pub(super) fn new(figment: Figment, problems: Vec<Problem>) -> Self {
        Self { figment, problems, origins: Vec::new() }
    }

    /// A key's value if it is set and `parse` takes it; `parse` otherwise says what it expected.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.figment.find_value(key).ok()?;
        self.settle(key, parse(&value), show::in_message(&value), |_| show::plain(&value))
    }

    /// Like [`read`](Self::read) for a value that may hold a secret: only what `show` makes of it
    /// is ever shown.
    pub(super) fn read_hidden<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Value) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        let value = self.figment.find_value(key).ok()?;
        self.settle(key, parse(&value), HIDDEN.to_owned(), show)
    }

    /// Notes that a key is missing, if it is and nothing noted before explains it.
    pub(super) fn require(&mut self, key: &'static str, places: String) {
        let explained = || self.problems.iter().any(|it| it.explains_lack_of(key));
        if !self.figment.contains(key) && !explained() {
            self.problems.push(Problem::Missing { key, places });
        }
    }

    /// Notes that two values do not go together.
    pub(super) fn contradiction(
        &mut self,
        key: &'static str,
        rule: &'static str,
        other: &'static str,
    ) {
        let (first, second) = (self.describe(key), self.describe(other));
        self.problems.push(Problem::Contradiction { first, rule, second });
    }

    /// Notes any other problem.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Where a key's value comes from.
    pub(super) fn origin_of(&self, key: &str) -> String {
        let parts: Vec<_> = key.split('.').collect();
        self.figment
            .find_metadata(key)
            .map(|it| it.interpolate(self.figment.profile(), &parts))
            .unwrap_or_default()
    }

    /// What was built from the values, if nothing was wrong.
    pub(super) fn finish<T>(self, built: Option<T>) -> Result<(T, Vec<Origin>), ConfigError> {
        match built {
            Some(built) if self.problems.is_empty() => Ok((built, self.origins)),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }

    fn settle<T>(
        &mut self,
        key: &'static str,
        parsed: Result<T, String>,
        found: String,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        let source = self.origin_of(key);
        match parsed {
            Ok(value) => {
                self.origins.push(Origin { key, value: show(&value), source });
                Some(value)
            }
            Err(expected) => {
                self.problems.push(Problem::Invalid {
                    key: key.to_owned(),
                    origin: source,
                    found,
                    expected,
                });
                None
            }
        }
    }

    fn describe(&self, key: &str) -> String {
        let value = self.figment.find_value(key);
        let value = value.map_or_else(|_| String::new(), |value| show::in_message(&value));
        format!("{key} = {value} ({})", self.origin_of(key))
    }
}
