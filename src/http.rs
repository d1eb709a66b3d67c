//! The HTTP port: is the service alive, does it do its work, and how much of it?

mod connections;
mod host;
mod page;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{
    health::Health,
    metrics::{self, Metrics},
    status::Board,
};

/// The page and its JSON.
#[derive(Debug)]
pub struct Page {
    /// What is on it.
    pub board: Arc<Board>,
    /// Host names under which it is served, beside those of this machine.
    pub hosts: Vec<String>,
}

/// Serves at `address` for as long as it is polled. A port that cannot be had is no reason to stop
/// fetching: it is logged, and nothing is served.
pub async fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    page: Option<Page>,
) {
    let router = router(health, metrics, page);
    match TcpListener::bind(address).await {
        Ok(listener) => {
            tracing::info!(%address, "health is told by HTTP");
            connections::serve(listener, router).await;
        }
        Err(error) => {
            tracing::error!(%address, %error, "health is not told by HTTP; see http.listen");
        }
    }
    std::future::pending::<()>().await;
}

fn router(health: Arc<Health>, metrics: Arc<Metrics>, page: Option<Page>) -> Router {
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(numbers).with_state(metrics));
    let Some(Page { board, hosts }) = page else { return router };
    let own = middleware::from_fn_with_state(host::Own::new(hosts), host::check);
    router.merge(page::router(board).route_layer(own))
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
