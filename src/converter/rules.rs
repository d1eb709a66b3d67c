//! The section `[converter]`: what the operator decides about conversion.

use serde::Deserialize;

use crate::setting::{boolean, texts};

/// The rules of conversion that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// A message whose text begins with one of these is a command; none of them is empty.
    #[serde(deserialize_with = "texts")]
    pub command_prefixes: Vec<String>,
    /// Whether a reply or a forwarded message also carries its author's id.
    #[serde(deserialize_with = "boolean")]
    pub reply_author: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { command_prefixes: vec!["/".to_owned(), "!".to_owned()], reply_author: false }
    }
}

impl Rules {
    pub(super) fn is_command(&self, text: &str) -> bool {
        self.command_prefixes.iter().any(|prefix| text.starts_with(prefix))
    }
}
