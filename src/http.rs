//! The HTTP port: is the service alive, does it do its work, and how much of it?

mod config;
mod page;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
pub use config::Config;
use tokio::net::TcpListener;

use crate::{
    health::Health,
    metrics::{self, Metrics},
    status::Board,
};

/// Serves at `address` for as long as it is polled; with a `board` there is a page of it. A port that cannot be had is no reason to stop
/// fetching: it is logged, and nothing is served.
pub async fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    board: Option<Arc<Board>>,
) {
    let mut router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(numbers).with_state(metrics));
    if let Some(board) = board {
        router = router.merge(page::router(board));
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

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let verdict = health.verdict();
    let status = if verdict.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{verdict}\n"))
}

async fn numbers(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
