//! Formats values for messages.

use figment::value::Value;

/// The longest text that a message quotes, in characters. A VK token is longer, so one that was set in the
/// wrong place is not shown.
const LONGEST: usize = 64;

/// Formats a value, with texts in quotes. Hides texts that may contain a secret, such as an address with a
/// password.
pub(super) fn in_message(value: &Value) -> String {
    match value {
        Value::String(_, text) if text.contains('@') => {
            "a text that is not shown, as it has an @ in it".to_owned()
        }
        Value::String(_, text) if text.chars().count() > LONGEST => {
            format!("a text of {} characters", text.chars().count())
        }
        Value::String(_, text) => format!("{text:?}"),
        Value::Char(_, char) => format!("{:?}", char.to_string()),
        Value::Bool(_, bool) => bool.to_string(),
        Value::Num(_, num) => None
            .or_else(|| num.to_i128().map(|it| it.to_string()))
            .or_else(|| num.to_u128().map(|it| it.to_string()))
            .or_else(|| num.to_f64().map(|it| it.to_string()))
            .unwrap_or_else(|| "a number".to_owned()),
        Value::Array(_, values) => {
            let values: Vec<_> = values.iter().map(in_message).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Dict(..) => "a table".to_owned(),
        Value::Empty(..) => "nothing".to_owned(),
    }
}

/// Formats a value without quotes around a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        other => in_message(other),
    }
}
