//! Values as text for people.

use figment::value::Value;

/// The longest text that a message repeats. A VK token is longer: when one is put in a wrong place
/// it is not shown there.
const LONGEST: usize = 64;

/// A value as a message shows it: texts in quotes, and nothing that may be a secret in disguise,
/// such as an address with a password in it.
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

/// A value by itself, without quotes around a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        other => in_message(other),
    }
}
