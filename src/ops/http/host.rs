//! Protection against DNS rebinding: the page is served only under known host names.
//!
//! A foreign web page can let its own host name resolve to the address of this machine. The visitor's browser
//! then lets that page read what this port serves. Such a request has the foreign name in its `Host` header.
//! An IP address is not resolved, so it is always accepted, as is `localhost`.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::HOST, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The accepted host names.
#[derive(Debug, Clone)]
pub(super) struct Own(Arc<[String]>);

impl Own {
    /// `localhost` and those of `http.hosts`.
    pub(super) fn new(hosts: Vec<String>) -> Self {
        Self(hosts.into_iter().chain(["localhost".to_owned()]).collect())
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(HOST).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Ok(authority) = Authority::try_from(value.as_bytes()) else { return false };
        let host = authority.host();
        let address = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let name = host.strip_suffix('.').unwrap_or(host);
        address.parse::<IpAddr>().is_ok() || self.0.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Rejects a request with any other host name.
pub(super) async fn check(State(own): State<Own>, request: Request, next: Next) -> Response {
    if own.is_in(request.headers()) {
        return next.run(request).await;
    }
    let reason = "this page is not served under this host name; add the name to http.hosts\n";
    (StatusCode::MISDIRECTED_REQUEST, reason).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(hosts: &[&str]) -> bool {
        let own = Own::new(vec!["Fetcher.example".to_owned(), "service.event-fetcher".to_owned()]);
        let headers = hosts.iter().map(|host| (HOST, host.parse().unwrap())).collect();
        own.is_in(&headers)
    }

    #[test]
    fn addresses_and_own_names_are_accepted_with_any_port() {
        for host in [
            "127.0.0.1",
            "127.1.2.3:8080",
            "[::1]:8080",
            "[fe80::1]",
            "172.18.0.5:8080",
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "fetcher.EXAMPLE:8080",
            "service.event-fetcher:8080",
        ] {
            assert!(accepted(&[host]), "{host}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "fetcher.example.evil.example",
            "xlocalhost",
            "",
            "a b",
            "evil.example@localhost.evil.example",
        ] {
            assert!(!accepted(&[host]), "{host}");
        }
        assert!(!accepted(&[]), "no Host at all");
        assert!(!accepted(&["localhost", "evil.example"]), "two of them");
    }
}
