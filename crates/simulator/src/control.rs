//! The control interface for scripts: `/control` on the API's port.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, State as AxumState},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Stats, Target, fault::Fault, state::Shared};

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/push", post(push).layer(DefaultBodyLimit::disable()))
        .route("/generate", post(generate))
        .route("/fault", post(fault))
        .route("/stats", get(stats))
}

/// Appends the body as one update, unchanged.
async fn push(AxumState(shared): AxumState<Arc<Shared>>, update: String) -> Json<Value> {
    Json(json!({ "ts": shared.push(update) }))
}

#[derive(Deserialize)]
struct Count {
    n: usize,
}

async fn generate(
    AxumState(shared): AxumState<Arc<Shared>>,
    Query(count): Query<Count>,
) -> Json<Value> {
    let generated = shared.generate(count.n).len();
    Json(json!({ "generated": generated, "ts": shared.lock().queue.newest() }))
}

#[derive(Deserialize)]
struct Injection {
    kind: String,
    #[serde(default = "once")]
    times: u32,
    /// An API method; `api` for any; polls if missing.
    method: Option<String>,
}

fn once() -> u32 {
    1
}

async fn fault(
    AxumState(shared): AxumState<Arc<Shared>>,
    Query(injection): Query<Injection>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let fault: Fault =
        injection.kind.parse().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))?;
    let target = injection.method.as_deref().map_or(Target::Poll, Target::from);
    shared.lock().faults.add(target, fault, injection.times);
    Ok(Json(json!({})))
}

async fn stats(AxumState(shared): AxumState<Arc<Shared>>) -> Json<Stats> {
    Json(shared.stats())
}
