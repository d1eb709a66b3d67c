//! One poll of a Long Poll server, and its possible replies.

use std::{fmt, time::Duration};

use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Config, RequestError, field::First, http};
use crate::{text, ts::Ts};

/// The most updates that are read from one reply. So many real ones do not fit into the largest body, but a
/// body full of the shortest possible ones would need a hundred times its size in memory.
pub const MAX_UPDATES: usize = 100_000;

/// How long a poll may take in addition to `vk.wait`.
const GRACE: Duration = Duration::from_secs(10);

/// A Long Poll server of a community, with the key of a session on it.
#[derive(Clone)]
pub struct LongPollServer {
    url: Url,
    key: SecretString,
}

impl LongPollServer {
    /// A server at `url`. The key is a secret: it grants access to the community's messages.
    #[must_use]
    pub fn new(url: Url, key: SecretString) -> Self {
        Self { url, key }
    }
}

impl fmt::Debug for LongPollServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// Parses the URL of a server that may be polled: on `vk.ru`, `vk.com`, their subdomains or the host of the
/// API. A forged response cannot redirect the polls to another.
///
/// # Errors
/// If it may not be polled; says why.
pub(super) fn accept(server: &str, api: &Url) -> Result<Url, String> {
    let server = Url::parse(server).map_err(|error| format!("its Long Poll URL: {error}"))?;
    let host = server.host_str().unwrap_or_default();
    let under = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let is_https = server.scheme() == "https";
    if api.host_str() == Some(host) && (is_https || server.scheme() == api.scheme()) {
        return Ok(server);
    }
    let rule = match (under("vk.ru") || under("vk.com"), is_https) {
        (true, true) => return Ok(server),
        (true, false) => "reached by https",
        (false, _) => "under vk.ru or vk.com",
    };
    Err(format!("its Long Poll host {} is not {rule}", text::excerpt(host)))
}

/// The reply to a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollReply {
    /// The updates after the position polled from, as raw JSON; none if `vk.wait` passed without one.
    Updates {
        /// The position after them.
        ts: Ts,
        /// Each update's JSON text, in VK's order.
        updates: Vec<Box<str>>,
    },
    /// `failed: 1`: history outdated or partly lost; polling continues from `ts`.
    Outdated {
        /// The position that VK names.
        ts: Ts,
    },
    /// `failed: 2`: the key expired.
    KeyExpired,
    /// `failed: 3`: information lost; a new key and a new position must be requested.
    Lost,
    /// Another `failed`, or JSON that is no Long Poll reply.
    Unknown {
        /// A short description.
        what: String,
    },
    /// A body with updates that is not valid JSON, or has more than [`MAX_UPDATES`].
    Malformed {
        /// The body as text.
        body: Box<str>,
    },
    /// No reply: a connection error, a time-out, an HTTP status, or a body of another kind.
    Unreachable {
        /// What happened.
        reason: RequestError,
    },
}

/// The client of Long Poll servers, with its own connection pool.
#[derive(Debug)]
pub struct LongPoll {
    http: Client,
    wait: Duration,
}

impl LongPoll {
    /// A client that lets VK hold each poll for `vk.wait`, and times out ten seconds later.
    ///
    /// # Errors
    /// If `vk.tls.ca` cannot be used.
    pub fn new(settings: &Config) -> anyhow::Result<Self> {
        let wait = settings.wait;
        Ok(Self { http: http::client(wait + GRACE, settings)?, wait })
    }

    /// How long VK may hold a poll: `vk.wait`.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// Requests the updates after `ts` from `server`, which may hold the poll for `wait`, at most
    /// [`wait`](Self::wait). The token is not sent there.
    pub async fn poll(&self, server: &LongPollServer, ts: Ts, wait: Duration) -> PollReply {
        let request = self.http.get(server.url.clone()).query(&[
            ("act", "a_check"),
            ("key", server.key.expose_secret()),
            ("ts", &ts.to_string()),
            ("wait", &wait.as_secs().to_string()),
        ]);
        let body = match request.send().await {
            Ok(response) => http::body(response, http::POLL_CAP, None).await,
            Err(error) => Err(http::describe(error)),
        };
        match body {
            Ok(body) => decode(body.bytes),
            Err(reason) => PollReply::Unreachable { reason },
        }
    }
}

/// The body of a reply. `ts` is parsed separately, so that an invalid one does not count as a damaged body.
#[derive(Deserialize)]
struct PollBody<'a> {
    failed: Option<i64>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(borrow)]
    updates: Option<First<&'a RawValue, MAX_UPDATES>>,
}

/// Parses the body of a reply. Public for the benches, which do it without a network.
#[must_use]
pub fn decode(body: Vec<u8>) -> PollReply {
    let parsed: PollBody = match serde_json::from_slice(&body) {
        Ok(parsed) => parsed,
        Err(error) => return unparsable(body, &error),
    };
    let PollBody { failed, ts, updates } = parsed;
    match (failed, &updates) {
        (Some(2), _) => return PollReply::KeyExpired,
        (Some(3), _) => return PollReply::Lost,
        (_, Some(First { more: 1.., .. })) => {
            return PollReply::Malformed { body: into_text(body).into() };
        }
        _ => {}
    }
    let ts = match ts.map(|ts| serde_json::from_str::<Ts>(ts.get())).transpose() {
        Ok(ts) => ts,
        Err(error) => {
            return PollReply::Unknown {
                what: format!("its ts is not a position ({})", brief(&error)),
            };
        }
    };
    match (failed, ts, updates) {
        (Some(1), Some(ts), _) => PollReply::Outdated { ts },
        (Some(code), ..) => PollReply::Unknown { what: format!("failed {code}") },
        (None, Some(ts), Some(updates)) => PollReply::Updates {
            ts,
            updates: updates.items.into_iter().map(|update| update.get().into()).collect(),
        },
        (None, ..) => PollReply::Unknown { what: "JSON without ts and updates".into() },
    }
}

/// The start of an error that quotes a value from VK, which may be of any length.
fn brief(error: &serde_json::Error) -> String {
    const LONGEST: usize = 200;
    error.to_string().chars().take(LONGEST).collect()
}

fn into_text(body: Vec<u8>) -> String {
    String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Distinguishes a damaged reply, which may have updates, from an error page, which has none.
fn unparsable(body: Vec<u8>, error: &serde_json::Error) -> PollReply {
    let is_empty = body.is_empty();
    let text = into_text(body);
    if text.trim_start().starts_with('{') && text.contains("\"updates\"") {
        return PollReply::Malformed { body: text.into() };
    }
    if error.is_data() {
        let error = text::excerpt(&error.to_string());
        return PollReply::Unknown { what: format!("unexpected JSON: {error}") };
    }
    let what = if is_empty { "an empty body" } else { "a body that is not JSON" };
    PollReply::Unreachable { reason: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> PollReply {
        decode(body.into())
    }

    #[test]
    fn failed_is_checked_before_ts_and_updates() {
        assert_eq!(reply(r#"{"failed":1,"ts":2593}"#), PollReply::Outdated { ts: Ts::from(2593) });
        assert_eq!(
            reply(r#"{"failed":1,"ts":"9","updates":[]}"#),
            PollReply::Outdated { ts: Ts::from(9) }
        );
        assert_eq!(reply(r#"{"failed":2,"ts":1,"updates":[]}"#), PollReply::KeyExpired);
        assert_eq!(reply(r#"{"failed":3,"error":"x"}"#), PollReply::Lost);
        assert!(matches!(reply(r#"{"failed":4,"min_version":0}"#), PollReply::Unknown { .. }));
        assert!(matches!(reply(r#"{"failed":1}"#), PollReply::Unknown { .. }));
    }

    #[test]
    fn ts_may_be_text_or_number() {
        for ts in ["4", "\"4\""] {
            let body = format!(r#"{{"ts":{ts},"updates":[{{"a":1}}, 7]}}"#);
            let updates = vec![r#"{"a":1}"#.into(), "7".into()];
            assert_eq!(reply(&body), PollReply::Updates { ts: Ts::from(4), updates });
        }
    }

    #[test]
    fn a_ts_that_is_no_position_makes_a_reply_unknown() {
        for ts in ["18446744073709551615", "\"9007199254740992\"", "-1", "1.5", "[4]", "\"\"", "{}"]
        {
            for rest in ["\"failed\":1", "\"updates\":[]", "\"updates\":[{\"a\":1}]"] {
                let body = format!(r#"{{"ts":{ts},{rest}}}"#);
                let PollReply::Unknown { what } = reply(&body) else { panic!("{body}") };
                assert!(what.starts_with("its ts is not a position"), "{what}");
            }
            assert_eq!(reply(&format!(r#"{{"failed":2,"ts":{ts}}}"#)), PollReply::KeyExpired);
        }
        let long = "9".repeat(1 << 20);
        let PollReply::Unknown { what } = reply(&format!(r#"{{"failed":1,"ts":"{long}"}}"#)) else {
            panic!("an answer")
        };
        assert!(what.len() < 300, "{} bytes", what.len());
    }

    #[test]
    fn other_bodies_are_distinguished_by_whether_they_may_have_updates() {
        for body in [r#"{"error":{}}"#, "{}", r#"{"ts":1}"#, r#"{"ts":null,"x":[]}"#] {
            assert!(matches!(reply(body), PollReply::Unknown { .. }), "{body}");
        }
        for body in ["", "<html>502</html>", "{\"ts\":\"4\",\"upd"] {
            assert!(matches!(reply(body), PollReply::Unreachable { .. }), "{body}");
        }
        for body in [r#"{"ts":"4","updates":[{},]}"#, r#"{"ts":"4","updates":[{"#] {
            assert!(matches!(reply(body), PollReply::Malformed { .. }), "{body}");
        }
    }

    #[test]
    fn a_reply_with_too_many_updates_is_malformed() {
        let body =
            |number: usize| format!(r#"{{"ts":1,"updates":[{}1]}}"#, "1,".repeat(number - 1));
        assert!(matches!(reply(&body(MAX_UPDATES)), PollReply::Updates { .. }));
        assert!(matches!(reply(&body(MAX_UPDATES + 1)), PollReply::Malformed { .. }));
    }

    #[test]
    fn a_server_on_another_host_is_not_polled() {
        let api = Url::parse("https://api.vk.ru/method/").unwrap();
        let check = |url: &str| accept(url, &api);
        for url in ["https://lp.vk.ru/whp/1", "https://lp.vk.com/wh1", "https://vk.com/"] {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in [
            "http://lp.vk.ru/whp/1",
            "https://evil.example/whp/1",
            "https://lp.vk.ru.evil.example/",
            "https://evilvk.ru/",
            "http://api.vk.ru/",
            "lp.vk.ru/whp/1",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
        let simulated = Url::parse("http://127.0.0.1:5000/method/").unwrap();
        assert!(accept("http://127.0.0.1:6000/whp/1", &simulated).is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let url = Url::parse("https://lp.vk.ru/whp/1?key=inner").unwrap();
        let server = LongPollServer::new(url, "secret-key".into());
        let text = format!("{server:?}");
        assert!(!text.contains("secret-key") && !text.contains("inner"), "{text}");
    }
}
