//! Applies faults to HTTP answers.

use std::{convert::Infallible, io, io::Write as _, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use flate2::{Compression, write::GzEncoder};
use futures::{Stream, StreamExt as _, stream};

use crate::{fault::Fault, server::Cutter};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PAGE: &str = "<html><head><title>Bad Gateway</title></head><body><center><h1>Bad Gateway</h1>\
                    </center><hr><center>kittenx</center></body></html>\r\n";
const DRIP_PIECES: usize = 20;
const HUGE_PIECE: usize = 64 * 1024;

/// The correct answer.
pub(crate) fn json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, JSON)], body.into()).into_response()
}

/// The answer of a fault that does not depend on the correct answer; `None` for other faults. `failed` and
/// `error` differ between the API and Long Poll, so the callers handle them.
pub(crate) async fn instead_of_answer(fault: &Fault, cutter: &Cutter) -> Option<Response> {
    Some(match *fault {
        Fault::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, [(CONTENT_TYPE, HTML)], PAGE).into_response()
        }
        Fault::Html => ([(CONTENT_TYPE, HTML)], PAGE).into_response(),
        Fault::Empty => json(Body::empty()),
        Fault::NoKeys => json("{}"),
        Fault::Huge(bytes) => json(Body::from_stream(spaces(bytes))),
        Fault::Stall(None) => std::future::pending().await,
        Fault::ResetBefore => cutter.reset().await,
        _ => return None,
    })
}

/// The correct answer after a fault; unchanged for faults of other kinds.
pub(crate) async fn spoil(fault: &Fault, answer: String, cutter: &Cutter) -> Response {
    match *fault {
        Fault::CutText => json(first_half(&answer).to_owned()),
        Fault::CutConnection => cut_connection(&answer),
        Fault::TrailingComma => json(with_trailing_comma(answer)),
        Fault::NumberTs => json(with_number_ts(&answer)),
        Fault::ContentType => ([(CONTENT_TYPE, HTML)], answer).into_response(),
        Fault::Gzip => match gzip(&answer) {
            Ok(bytes) => {
                let encoding = HeaderValue::from_static("gzip");
                ([(CONTENT_TYPE, JSON), (CONTENT_ENCODING, encoding)], bytes).into_response()
            }
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Fault::Drip(time) => json(Body::from_stream(drops(answer, time))),
        Fault::Stall(Some(time)) => {
            tokio::time::sleep(time).await;
            json(answer)
        }
        Fault::ResetAfter => cutter.reset().await,
        _ => json(answer),
    }
}

fn first_half(answer: &str) -> &str {
    let mut half = answer.len() / 2;
    while !answer.is_char_boundary(half) {
        half -= 1;
    }
    &answer[..half]
}

/// Announces the whole answer, sends half of it and then fails, which closes the connection.
fn cut_connection(answer: &str) -> Response {
    let half = Ok(Bytes::copy_from_slice(first_half(answer).as_bytes()));
    let failure = async {
        // Lets the half be sent before the connection closes.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let body = Body::from_stream(stream::iter([half]).chain(stream::once(failure)));
    let mut response = json(body);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(answer.len()));
    response
}

fn with_trailing_comma(mut answer: String) -> String {
    if let Some(end) = answer.rfind(']').or_else(|| answer.rfind('}')) {
        answer.insert(end, ',');
    }
    answer
}

fn with_number_ts(answer: &str) -> String {
    let split = answer.split_once(r#""ts":""#);
    split.and_then(|(before, rest)| Some((before, rest.split_once('"')?))).map_or_else(
        || answer.to_owned(),
        |(before, (ts, after))| format!(r#"{before}"ts":{ts}{after}"#),
    )
}

fn gzip(answer: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(answer.as_bytes())?;
    encoder.finish()
}

fn drops(answer: String, time: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let answer = Bytes::from(answer);
    let size = answer.len().div_ceil(DRIP_PIECES).max(1);
    let pause = time / u32::try_from(DRIP_PIECES).unwrap_or(u32::MAX);
    stream::iter((0..answer.len()).step_by(size)).then(move |start| {
        let piece = answer.slice(start..answer.len().min(start + size));
        async move {
            tokio::time::sleep(pause).await;
            Ok(piece)
        }
    })
}

fn spaces(bytes: u64) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let piece = Bytes::from(vec![b' '; HUGE_PIECE]);
    stream::unfold(bytes, move |left| {
        let size = usize::try_from(left).map_or(HUGE_PIECE, |left| left.min(HUGE_PIECE));
        let next = (size > 0).then(|| (Ok(piece.slice(..size)), left - size as u64));
        std::future::ready(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_comma_stands_before_the_last_bracket() {
        let spoilt = with_trailing_comma(r#"{"ts":"2","updates":[{"a":[1]}]}"#.to_owned());
        assert_eq!(spoilt, r#"{"ts":"2","updates":[{"a":[1]},]}"#);
        assert_eq!(with_trailing_comma(r#"{"failed":2}"#.to_owned()), r#"{"failed":2,}"#);
    }

    #[test]
    fn a_ts_loses_its_quotes() {
        assert_eq!(with_number_ts(r#"{"ts":"2","updates":[]}"#), r#"{"ts":2,"updates":[]}"#);
        assert_eq!(with_number_ts(r#"{"failed":2}"#), r#"{"failed":2}"#);
    }

    #[test]
    fn half_of_an_answer_ends_between_letters() {
        assert_eq!(first_half("ая🐸"), "ая");
        assert_eq!(first_half("a🐸b"), "a");
    }
}
