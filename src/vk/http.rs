//! HTTP as both of VK's servers need it: bounded in time and size, no redirects, no URLs in errors.

use std::{error::Error, fmt, time::Duration};

use reqwest::{Client, Response, redirect};

use crate::tls;

/// The largest answer of a Long Poll server, in bytes, after decompression.
pub(super) const POLL_CAP: usize = 32 << 20;
/// The largest answer of an API method. VK's are below 5 MiB; several can be on the way at once.
pub(super) const CALL_CAP: usize = 8 << 20;

/// Why there is no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// Whether a connection came about: if not, the network may be at fault as well as VK.
    pub reached: bool,
    /// What happened, without secrets or URL.
    pub reason: String,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// An answer came, of which this is to be said.
impl<T: Into<String>> From<T> for NoAnswer {
    fn from(reason: T) -> Self {
        Self { reached: true, reason: reason.into() }
    }
}

/// A client with its own connection pool. `deadline` bounds a whole request with its answer.
///
/// HTTP/1.1 only: VK's hosts have been seen to leave HTTP/2 streams hanging. Idle connections are
/// dropped before VK drops them.
pub(super) fn client(deadline: Duration) -> reqwest::Result<Client> {
    tls::install_provider();
    Client::builder()
        .user_agent(concat!("event-fetcher/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .timeout(deadline)
        .connect_timeout(deadline.min(Duration::from_secs(10)))
        .redirect(redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(50))
        .tcp_keepalive(Duration::from_secs(15))
        .build()
}

/// Reads the whole body of a successful answer of at most `cap` bytes, or says in one line why there is
/// none.
pub(super) async fn body(mut response: Response, cap: usize) -> Result<Vec<u8>, NoAnswer> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("HTTP status {status}").into());
    }
    let told = response.content_length().and_then(|length| length.try_into().ok());
    let mut body = Vec::with_capacity(told.map_or(0, |length: usize| length.min(cap)));
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if body.len() + chunk.len() > cap {
            return Err(format!("the answer is larger than {} MiB", cap >> 20).into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes and without its URL, which may carry the Long Poll key.
pub(super) fn describe(error: reqwest::Error) -> NoAnswer {
    let reached = !error.is_connect();
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    NoAnswer { reached, reason: text }
}
