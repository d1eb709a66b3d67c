//! The HTTP port: is the service alive, does it do its work, and how much of it?

mod page;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{
    metrics::{self, Metrics},
    ops::status::StatusCollector,
};

/// Serves at `address` for as long as it is polled; with `page`, the page and `/status.json` too. A port
/// that cannot be had is no reason to stop fetching: it is logged, and nothing is served.
pub async fn serve(
    address: SocketAddr,
    collector: Arc<StatusCollector>,
    metrics: Arc<Metrics>,
    page: bool,
) {
    let mut router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(collector.clone()))
        .route("/metrics", get(numbers).with_state(metrics));
    if page {
        router = router.merge(page::router(collector));
    }
    let served = match TcpListener::bind(address).await {
        Ok(listener) => {
            tracing::info!(%address, "health is told by HTTP");
            axum::serve(listener, router).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%address, %error, "health is not told by HTTP; see http.listen");
    }
    std::future::pending::<()>().await;
}

async fn ready(State(collector): State<Arc<StatusCollector>>) -> (StatusCode, String) {
    let readiness = collector.readiness();
    let is_ready = readiness.verdict.ready;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{readiness}\n"))
}

async fn numbers(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
