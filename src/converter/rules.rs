//! What the operator decides about conversion.

use super::Config;

/// The rules of conversion that can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A message whose text begins with one of these is a command.
    pub command_prefixes: Vec<String>,
    /// Whether a reply or a forwarded message also carries its author's id.
    pub reply_author: bool,
    /// The community that updates have to belong to; none where any will do.
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
    /// These rules, for the updates of this community alone.
    #[must_use]
    pub fn of_community(self, group_id: i64) -> Self {
        Self { group_id: Some(group_id), ..self }
    }

    pub(super) fn is_command(&self, text: &str) -> bool {
        self.command_prefixes.iter().any(|prefix| text.starts_with(prefix))
    }
}
