//! A minimal client of the simulated VK.

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::{
    io::{self, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use vk_simulator::{Options, Simulator};

/// A running simulator and a client.
pub(crate) struct Vk {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
    pub(crate) options: Options,
}

/// The answer of `groups.getLongPollServer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) key: String,
    pub(crate) server: String,
    pub(crate) ts: u64,
}

impl Vk {
    pub(crate) async fn new() -> Self {
        Self::with(Options { requests_per_second: 0, ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let simulator = Simulator::start(options.clone()).await.expect("two free ports");
        Self { simulator, http: http_client(), options }
    }

    /// Calls a method with these parameters and no others.
    pub(crate) async fn send(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> reqwest::Result<Response> {
        let address = self.simulator.api_url() + method;
        self.http.post(address).form(parameters).send().await
    }

    /// Calls a method with the required parameters and returns the whole answer.
    pub(crate) async fn call(&self, method: &str, parameters: &[(&str, &str)]) -> Value {
        let mut all = vec![("access_token", &*self.options.token), ("v", "5.199"), ("lang", "ru")];
        all.extend(parameters);
        let response = self.send(method, &all).await.expect("an answer");
        assert_eq!(response.status(), 200);
        json(response).await
    }

    pub(crate) async fn session(&self) -> Session {
        let group_id = self.options.group_id.to_string();
        let answer = self.call("groups.getLongPollServer", &[("group_id", &group_id)]).await;
        let text = |key: &str| answer["response"][key].as_str().expect("a string").to_owned();
        Session {
            key: text("key"),
            server: text("server"),
            ts: text("ts").parse().expect("a number"),
        }
    }

    pub(crate) async fn try_poll(
        &self,
        session: &Session,
        ts: u64,
        wait: u64,
    ) -> reqwest::Result<Response> {
        let (ts, wait) = (ts.to_string(), wait.to_string());
        let query = [("act", "a_check"), ("key", &session.key), ("ts", &ts), ("wait", &wait)];
        self.http.get(&session.server).query(&query).send().await
    }

    pub(crate) async fn poll(&self, session: &Session, ts: u64, wait: u64) -> Value {
        json(self.try_poll(session, ts, wait).await.expect("an answer")).await
    }

    /// A connection to the Long Poll server on which a poll has just been sent.
    pub(crate) async fn raw_poll(&self, session: &Session, ts: u64) -> TcpStream {
        let url = reqwest::Url::parse_with_params(
            &session.server,
            [("act", "a_check"), ("key", &session.key), ("ts", &ts.to_string()), ("wait", "90")],
        );
        raw_get(url.expect("an address")).await
    }
}

/// A connection on which a GET of this address has just been sent.
pub(crate) async fn raw_get(url: reqwest::Url) -> TcpStream {
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let path = &url.as_str()[url.origin().ascii_serialization().len()..];
    let request = format!("GET {path} HTTP/1.1\r\nhost: vk\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request sent");
    stream
}

/// Everything received until the connection ends, and how it ends.
pub(crate) async fn read_all(mut stream: TcpStream) -> (String, io::Result<usize>) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

pub(crate) async fn json(response: Response) -> Value {
    let text = response.text().await.expect("a body");
    serde_json::from_str(&text).expect(&text)
}

/// Fails a test that would otherwise hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("within 20 seconds")
}

/// A client for plain HTTP. In a workspace build `reqwest` has TLS as well and needs a provider.
pub(crate) fn http_client() -> Client {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}
