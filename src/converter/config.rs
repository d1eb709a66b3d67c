//! The section `[converter]`.

use serde::Deserialize;

use crate::setting::{boolean, texts};

/// How an update becomes an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A message whose text begins with one of these is a command; none of them is empty.
    #[serde(deserialize_with = "texts")]
    pub command_prefixes: Vec<String>,
    /// Whether a reply or a forwarded message also carries its author's id.
    #[serde(deserialize_with = "boolean")]
    pub reply_author: bool,
}
