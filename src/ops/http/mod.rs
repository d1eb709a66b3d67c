//! The HTTP port: `/livez`, `/readyz`, `/metrics`, the page and `/status.json`.

mod config;
mod connections;
mod host;
mod page;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
pub use config::Config;
use tokio::net::TcpListener;

use crate::{
    ops::{
        metrics::{Format, Metrics},
        status::StatusCollector,
    },
    text,
};

/// The settings of `/` and `/status.json`.
#[derive(Debug)]
pub struct Page {
    /// The host names under which they are served, in addition to IP addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// Serves at `address` until it is dropped; with `page`, also `/` and `/status.json`. If the port cannot be
/// opened, that is logged and nothing is served: fetching matters more.
pub async fn serve(
    address: SocketAddr,
    collector: Arc<StatusCollector>,
    metrics: Arc<Metrics>,
    page: Option<Page>,
) {
    let router = router(collector, metrics, page);
    match TcpListener::bind(address).await {
        Ok(listener) => {
            tracing::info!(%address, "the HTTP port is open");
            connections::serve(listener, router).await;
        }
        Err(error) => {
            tracing::error!(%address, error = text::cause(&error), "the HTTP port cannot be opened: fetching continues without it. Check http.listen");
        }
    }
    std::future::pending::<()>().await;
}

fn router(collector: Arc<StatusCollector>, metrics: Arc<Metrics>, page: Option<Page>) -> Router {
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(collector.clone()))
        .route("/metrics", get(numbers).with_state(metrics));
    let Some(Page { hosts }) = page else { return router };
    let own = middleware::from_fn_with_state(host::Own::new(hosts), host::check);
    router.merge(page::router(collector).route_layer(own))
}

async fn ready(State(collector): State<Arc<StatusCollector>>) -> (StatusCode, String) {
    let readiness = collector.readiness();
    let is_ready = readiness.verdict.ready;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{readiness}\n"))
}

async fn numbers(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::preferred_by(accept.unwrap_or_default());
    match metrics.text(format) {
        Ok(text) => ([(CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
