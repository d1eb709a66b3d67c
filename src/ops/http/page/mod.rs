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
