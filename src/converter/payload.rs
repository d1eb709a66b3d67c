//! The payload of a callback button.

use serde_json::{Map, Value, value::RawValue};

use super::Rejection;
use crate::text;

/// How deep a payload may nest. An event nests it two levels deeper, and JSON readers may stop at 128
/// levels.
const MAX_DEPTH: usize = 125;

/// Reads the payload. An object that VK sent as a string becomes an object, an absent payload becomes `{}`,
/// any other value stays as it is.
pub(super) fn read(raw: Option<&RawValue>) -> Result<Value, Rejection> {
    let Some(raw) = raw else {
        return Ok(Value::Object(Map::new()));
    };
    let value =
        serde_json::from_str(raw.get()).map_err(|error| unreadable(text::json_problem(&error)))?;
    if let Value::String(text) = &value
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(text)
        && nests_within(&object, MAX_DEPTH)
    {
        return Ok(object);
    }
    if nests_within(&value, MAX_DEPTH) {
        Ok(value)
    } else {
        Err(unreadable(format!("it nests deeper than {MAX_DEPTH} levels")))
    }
}

fn unreadable(reason: String) -> Rejection {
    Rejection::Unreadable { field: "payload", reason }
}

/// Recurses as deep as the value nests, which the JSON reader has limited already.
fn nests_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| nests_within(item, depth - 1)),
        Value::Object(entries) => {
            depth > 0 && entries.values().all(|value| nests_within(value, depth - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
