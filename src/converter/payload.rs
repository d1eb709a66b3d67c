//! The payload of a callback button.

use serde_json::{Map, Value, value::RawValue};

use super::Rejection;

/// The containers a payload may nest. In an event it stands two deeper, and JSON readers are
/// entitled to stop at 128.
const MAX_DEPTH: usize = 125;

/// The payload as handlers want it: an object wherever VK sent one, be it as text, and `{}` where
/// it sent nothing; any other value as it is.
pub(super) fn read(raw: Option<&RawValue>) -> Result<Value, Rejection> {
    let Some(raw) = raw else {
        return Ok(Value::Object(Map::new()));
    };
    let value = serde_json::from_str(raw.get()).map_err(|error| unreadable(error.to_string()))?;
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

/// Recurses as deep as the value, which the JSON reader bounds when it reads one.
fn nests_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| nests_within(item, depth - 1)),
        Value::Object(entries) => {
            depth > 0 && entries.values().all(|value| nests_within(value, depth - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
