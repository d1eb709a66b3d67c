//! What the operator decides about conversion.

use super::Config;

/// The rules of conversion that can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A message whose text begins with one of these is a command.
    pub command_prefixes: Vec<String>,
    /// Whether a reply or a forwarded message also carries its author's id.
    pub reply_author: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { command_prefixes: vec!["/".to_owned(), "!".to_owned()], reply_author: false }
    }
}

impl From<Config> for Rules {
    fn from(settings: Config) -> Self {
        let Config { command_prefixes, reply_author } = settings;
        Self { command_prefixes, reply_author }
    }
}

impl Rules {
    pub(super) fn is_command(&self, text: &str) -> bool {
        self.command_prefixes.iter().any(|prefix| text.starts_with(prefix))
    }
}
