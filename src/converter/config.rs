//! The section `[converter]`.

use serde::Deserialize;

use crate::setting::{boolean, texts};

/// How updates are converted into events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A message is a command if its text begins with one of these; none of them is empty.
    #[serde(deserialize_with = "texts")]
    pub command_prefixes: Vec<String>,
    /// Whether a reply or a forwarded message includes its author's id.
    #[serde(deserialize_with = "boolean")]
    pub reply_author: bool,
}
