//! Checks of single fields. A field that fails its check gives the rejection that names it.

use serde::Deserialize;

use super::Rejection;
use crate::{
    text,
    vk::{
        Identity,
        field::{Field, Object, Wire},
    },
};

/// Reads a JSON object of VK's.
pub(super) fn object<'a, T: Deserialize<'a>>(
    field: &'static str,
    raw: &'a str,
) -> Result<T, Rejection> {
    let Object(value) = serde_json::from_str(raw)
        .map_err(|error| Rejection::Unreadable { field, reason: text::json_problem(&error) })
        .and_then(|wire| required(field, wire))?;
    Ok(value)
}

/// The value of a mandatory field.
pub(super) fn required<'a, T: Wire<'a>>(
    name: &'static str,
    wire: Field<T>,
) -> Result<T, Rejection> {
    optional(name, wire)?.ok_or(Rejection::Missing(name))
}

/// The value of an optional field; `None` when it is absent or null.
pub(super) fn optional<'a, T: Wire<'a>>(
    field: &'static str,
    wire: Field<T>,
) -> Result<Option<T>, Rejection> {
    match wire {
        Field::Absent => Ok(None),
        Field::Is(value) => Ok(Some(value)),
        Field::Other(found) => Err(Rejection::WrongType { field, expected: T::NAME, found }),
    }
}

/// The id of someone who can cause events: any id but a chat's.
pub(super) fn author(field: &'static str, wire: Field<i64>) -> Result<Identity, Rejection> {
    match identity(field, wire)? {
        Identity::Chat(id) => Err(Rejection::NoIdentity { field, id, problem: "a chat's id" }),
        author => Ok(author),
    }
}

/// The id of a user, community, chat or guest.
pub(super) fn identity(field: &'static str, wire: Field<i64>) -> Result<Identity, Rejection> {
    let id = required(field, wire)?;
    Identity::of(id).ok_or(Rejection::NoIdentity { field, id, problem: "nobody's id" })
}
