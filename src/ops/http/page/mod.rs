//! The page for people, and `/status.json`. Style and script are inlined in the page, and its
//! Content-Security-Policy forbids everything else.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::State,
    http::{
        HeaderName, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};
use base64::prelude::{BASE64_STANDARD, Engine};
use ring::digest;

use crate::ops::status::StatusCollector;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str =
    concat!(include_str!("russian.js"), include_str!("page.js"), include_str!("charts.js"));
const ICON: &str = include_str!("icon.svg");

static HTML: LazyLock<String> = LazyLock::new(|| {
    include_str!("page.html")
        .replacen("<style></style>", &format!("<style>{STYLE}</style>"), 1)
        .replacen("<script></script>", &format!("<script>{SCRIPT}</script>"), 1)
});

/// Allows this script, this style, and requests to this service.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE)
    )
});

/// The source expression of an inlined text: its hash.
fn source(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    format!("sha256-{}", BASE64_STANDARD.encode(digest))
}

const COMMON: [(HeaderName, &str); 3] = [
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
];

/// The routes of the page and its JSON.
pub(super) fn router(collector: Arc<StatusCollector>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/status.json", get(status))
        .route("/favicon.ico", get(icon))
        .with_state(collector)
}

async fn page() -> Response {
    let own =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY.as_str())];
    (COMMON, own, HTML.as_str()).into_response()
}

/// Browsers ask for it on their own too, beside `/status.json` and `/metrics`.
async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=86400")], ICON).into_response()
}

async fn status(State(collector): State<Arc<StatusCollector>>) -> Response {
    match serde_json::to_string(&collector.status()) {
        Ok(json) => (COMMON, [(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::SCRIPT;
    use crate::ops::{
        dependency::{Cause, Dependency},
        health::{Failure, HealthSnapshot, Role},
        verdict::Verdict,
    };

    const CAUSES: [Cause; 6] = [
        Cause::Unreachable,
        Cause::Error,
        Cause::Replicas,
        Cause::Disk,
        Cause::Backlog,
        Cause::Stalled,
    ];

    fn verdict(dependency: Dependency, cause: Cause) -> Verdict {
        let failure =
            Failure { dependency, cause, lasts: Duration::from_secs(60), reason: String::new() };
        let health = HealthSnapshot {
            role: Role::Fetching,
            role_for: Duration::ZERO,
            polled: None,
            committed: None,
            failures: vec![failure],
            proven: true,
            stalled: false,
        };
        Verdict::new(&health, None)
    }

    #[test]
    fn every_fault_is_said_in_russian_too() {
        for (dependency, cause) in
            Dependency::ALL.iter().flat_map(|&it| CAUSES.map(|cause| (it, cause)))
        {
            let Verdict { summary, remediation, .. } = verdict(dependency, cause);
            let problem = summary.trim_end_matches('.').split_once(": ").unwrap().1;
            for text in [problem, &remediation.unwrap()] {
                let key = format!("  {}:", json!(text));
                assert!(SCRIPT.contains(&key), "russian.js has no {key}");
            }
        }
    }
}
