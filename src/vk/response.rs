//! The envelope of every API response.

use serde::Deserialize;
#[cfg(any(test, fuzzing))]
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::RequestError;

/// Why a body has no response.
pub(super) enum ResponseError {
    /// VK answered with an error.
    Api { code: i64, message: String },
    /// The body cannot be used.
    Unusable(RequestError),
}

/// VK's envelope: a body with `response`, or with `error`, whatever the HTTP status.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    error: Option<ErrorBody>,
    #[serde(borrow)]
    execute_errors: Option<&'a RawValue>,
}

/// The part of an error that may be logged: `request_params` is left out because it can hold secrets.
#[derive(Deserialize)]
struct ErrorBody {
    error_code: i64,
    #[serde(default)]
    error_msg: String,
}

/// A method's response, not parsed yet.
pub(super) struct Response<'a> {
    /// The value of `response`.
    pub(super) value: &'a RawValue,
    /// The errors of the calls within an `execute`.
    pub(super) execute_errors: Option<&'a RawValue>,
}

/// Parses the envelope and returns the response in it.
pub(super) fn open(body: &[u8]) -> Result<Response<'_>, ResponseError> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|error| unexpected("body", &error))?;
    match envelope {
        Envelope { error: Some(error), .. } => {
            Err(ResponseError::Api { code: error.error_code, message: error.error_msg })
        }
        Envelope { response: Some(value), execute_errors, .. } => {
            Ok(Response { value, execute_errors })
        }
        Envelope { .. } => {
            Err(ResponseError::Unusable("neither response nor error in the body".into()))
        }
    }
}

/// Says where the JSON is not as expected, without quoting it: it may be a secret.
pub(super) fn unexpected(what: &str, error: &serde_json::Error) -> ResponseError {
    let kind = if error.is_data() { "JSON of an unexpected shape" } else { "not JSON" };
    ResponseError::Unusable(format!("the {what} is {kind} (byte {})", error.column()).into())
}

/// Parses a whole body, for tests.
#[cfg(any(test, fuzzing))]
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ResponseError> {
    let response = open(body)?;
    serde_json::from_str(response.value.get()).map_err(|error| unexpected("response", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_http_200_is_an_error() {
        let body = br#"{"error":{"error_code":5,"error_msg":"no","request_params":[]}}"#;
        assert!(matches!(
            decode::<i64>(body),
            Err(ResponseError::Api { code: 5, message }) if message == "no"
        ));
    }

    #[test]
    fn bodies_without_vks_envelope_are_unusable() {
        for body in [&b""[..], b"<html>", b"{}", b"[]", b"{\"response\":\"text\"}", b"\xff"] {
            assert!(matches!(decode::<i64>(body), Err(ResponseError::Unusable(_))));
        }
    }
}
