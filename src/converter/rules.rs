//! The configurable rules of conversion.

use super::Config;

/// The configurable rules of conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A message is a command if its text begins with one of these.
    pub command_prefixes: Vec<String>,
    /// Whether a reply or a forwarded message includes its author's id.
    pub reply_author: bool,
    /// The community whose updates are accepted; `None` accepts all.
    pub group_id: Option<i64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            command_prefixes: vec!["/".to_owned(), "!".to_owned()],
            reply_author: false,
            group_id: None,
        }
    }
}

impl From<Config> for Rules {
    fn from(settings: Config) -> Self {
        let Config { command_prefixes, reply_author } = settings;
        Self { command_prefixes, reply_author, group_id: None }
    }
}

impl Rules {
    /// The same rules, restricted to the updates of one community.
    #[must_use]
    pub fn of_community(self, group_id: i64) -> Self {
        Self { group_id: Some(group_id), ..self }
    }

    pub(super) fn is_command(&self, text: &str) -> bool {
        self.command_prefixes.iter().any(|prefix| text.starts_with(prefix))
    }
}
