//! Why an update cannot become an event.

use strum::{IntoStaticStr, VariantNames};

/// Why an update cannot become an event, as a message for the operator. It never quotes what users wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Rejection {
    /// Invalid JSON, or JSON that cannot be represented: a duplicate field, half a surrogate pair, a number
    /// out of range, too many levels.
    #[error("{field} cannot be read: {reason}")]
    Unreadable {
        /// The part of the update that cannot be read.
        field: &'static str,
        /// The error of the JSON reader.
        reason: String,
    },
    /// A mandatory field is absent.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field has the wrong JSON type.
    #[error("{field} is not {expected} but {found}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// The expected type.
        expected: &'static str,
        /// The actual type.
        found: &'static str,
    },
    /// An id that belongs to nobody, or a chat's id where an author's is expected.
    #[error("{field} is {id}, which is {problem}")]
    NoIdentity {
        /// The field.
        field: &'static str,
        /// Its value.
        id: i64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An update of another community than the configured one.
    #[error("group_id is {found}, while vk.group_id is {expected}")]
    ForeignGroup {
        /// The community in the update.
        found: i64,
        /// The configured community.
        expected: i64,
    },
}

impl Rejection {
    /// All codes of [`code`](Self::code).
    pub const CODES: &[&str] = Self::VARIANTS;

    /// The stable label of this kind of rejection, for metrics and dead letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.into()
    }
}
