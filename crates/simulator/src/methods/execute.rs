//! `execute`: several calls in one. Of VK's script language it supports one statement:
//! `return [API.method({...}), ...];`.

use serde_json::{Map, Value, json};

use super::{Answer, answer};
use crate::{
    api::Parameters,
    error::ApiError,
    state::{Shared, State},
};

const MOST_CALLS: usize = 25;

/// The whole answer: the responses in the order of the calls, `false` for an error, and the list of errors.
/// Calls fail with the codes in `errors`, by their index.
pub(crate) fn execute(
    parameters: &Parameters,
    shared: &Shared,
    state: &mut State,
    errors: &[Option<i64>],
) -> Answer {
    let code = parameters.get("code").ok_or_else(|| ApiError::because(100, "code is undefined"))?;
    let calls = calls(code).ok_or_else(|| ApiError::of_code(12))?;
    if calls.len() > MOST_CALLS {
        return Err(ApiError::because(13, "too many api calls"));
    }
    let mut failed = Vec::new();
    let mut answers = Vec::new();
    let errors = errors.iter().copied().chain(std::iter::repeat(None));
    for ((method, values), error) in calls.into_iter().zip(errors) {
        let parameters = parameters.of_call(values);
        let result = match error {
            Some(code) => Err(ApiError::of_code(code)),
            None => answer(method, &parameters, shared, state),
        };
        answers.push(result.unwrap_or_else(|error| {
            let text = error.message();
            failed.push(json!({"method": method, "error_code": error.code, "error_msg": text}));
            Value::Bool(false)
        }));
    }
    let mut whole = json!({ "response": answers });
    if !failed.is_empty() {
        whole["execute_errors"] = failed.into();
    }
    Ok(whole)
}

/// The methods that an `execute` calls; none if its script has another form.
pub(crate) fn calls_of(parameters: &Parameters) -> Vec<String> {
    let calls = parameters.get("code").and_then(calls).unwrap_or_default();
    calls.into_iter().map(|(method, _)| method.to_owned()).collect()
}

type Call<'a> = (&'a str, Vec<(String, String)>);

/// The calls of a script; `None` if it has another form.
fn calls(code: &str) -> Option<Vec<Call<'_>>> {
    let list = code.trim().strip_prefix("return")?.trim_start().strip_prefix('[')?;
    let mut rest = list.trim_end().strip_suffix(';')?.trim_end().strip_suffix(']')?.trim();
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (method, arguments) = rest.strip_prefix("API.")?.split_once('(')?;
        let mut reader = serde_json::Deserializer::from_str(arguments).into_iter();
        let values: Map<String, Value> = reader.next()?.ok()?;
        rest = arguments[reader.byte_offset()..].trim_start().strip_prefix(')')?.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        calls.push((method, values.into_iter().map(|(name, value)| (name, text(value))).collect()));
    }
    Some(calls)
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_calls_is_read_and_nothing_else() {
        let code = r#"return [API.users.get({"user_ids":"1,2"}), API.groups.getById({"a":1})];"#;
        let expected = vec![
            ("users.get", vec![("user_ids".to_owned(), "1,2".to_owned())]),
            ("groups.getById", vec![("a".to_owned(), "1".to_owned())]),
        ];
        assert_eq!(calls(code), Some(expected));
        for broken in ["return 1;", "return [API.users.get({)];", "return [API.users.get({})]"] {
            assert_eq!(calls(broken), None, "{broken}");
        }
    }
}
