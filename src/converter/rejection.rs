//! Why an update cannot become an event.

use strum::{IntoStaticStr, VariantNames};

/// Why an update cannot become an event, in words for the operator. What people wrote is never
/// part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Rejection {
    /// Not JSON, or JSON that cannot be represented: a field given twice, half a surrogate pair, a
    /// number beyond all bounds, too many levels.
    #[error("{field} cannot be read: {reason}")]
    Unreadable {
        /// The unreadable part of the update, or all of it.
        field: &'static str,
        /// What the JSON reader says of it.
        reason: String,
    },
    /// A field without which there is no event.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field that is there with another JSON type.
    #[error("{field} is not {expected} but {found}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// The type it has to have.
        expected: &'static str,
        /// The type it has.
        found: &'static str,
    },
    /// An id that stands for nobody, or for a chat where someone has to be the author.
    #[error("{field} is {id}, which is {problem}")]
    NoIdentity {
        /// The field.
        field: &'static str,
        /// Its value.
        id: i64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An update of another community than the one that is fetched for.
    #[error("group_id is {found}, while vk.group_id is {expected}")]
    ForeignGroup {
        /// The community that the update names.
        found: i64,
        /// The community that is configured.
        expected: i64,
    },
}

impl Rejection {
    /// All codes.
    pub const CODES: &[&str] = Self::VARIANTS;

    /// The kind of the rejection as one stable word, to count by: its name in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.into()
    }
}
