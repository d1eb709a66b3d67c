//! The Long Poll server: `a_check`.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Form, Router,
    extract::{Path, Query, State as AxumState, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::time::timeout_at;

use crate::{
    error::ApiError,
    fault::Fault,
    key::Verdict,
    queue::{Page, empty_reply},
    server::{Cutter, latency},
    spoil::{instead_of_answer, json, spoil},
    state::Shared,
};

/// VK's recommended `wait`, used if it is missing.
const USUAL_WAIT: u64 = 25;
const LONGEST_WAIT: u64 = 90;

type Parameters = HashMap<String, String>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/whp/{group_id}", get(check).post(check))
        .fallback(|| async { StatusCode::FORBIDDEN })
        .with_state(shared)
}

async fn check(
    AxumState(shared): AxumState<Arc<Shared>>,
    Path(group_id): Path<String>,
    Extension(cutter): Extension<Cutter>,
    Query(mut parameters): Query<Parameters>,
    form: Result<Form<Parameters>, FormRejection>,
) -> Response {
    if let Ok(Form(form)) = form {
        parameters.extend(form);
    }
    let known = group_id == shared.options.group_id.to_string();
    if !known || parameters.get("act").is_none_or(|act| act != "a_check") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let fault = shared.poll_fault();
    // VK treats a `ts` that is not a number like one from the future.
    let ts = parameters.get("ts").and_then(|ts| ts.parse().ok()).unwrap_or(u64::MAX);
    match &fault {
        Some(Fault::EarlyEmpty) => return json(empty_reply(ts)),
        Some(Fault::Failed(code)) => return json(shared.failed(*code)),
        Some(Fault::Error(code)) => return json(ApiError::of_code(*code).envelope(&[])),
        Some(fault) => {
            if let Some(response) = instead_of_answer(fault, &cutter).await {
                return response;
            }
        }
        None => {}
    }
    latency(shared.options.poll_latency / 2).await;
    let answer = shared.wait_for_answer(ts, &parameters, fault == Some(Fault::Duplicate)).await;
    latency(shared.options.poll_latency / 2).await;
    match &fault {
        Some(fault) => spoil(fault, answer, &cutter).await,
        None => json(answer),
    }
}

/// Counts a poll as held until it is dropped.
struct Held<'a>(&'a Shared);

impl<'a> Held<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.count(|stats| stats.polls_held += 1);
        Self(shared)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.count(|stats| stats.polls_held -= 1);
    }
}

impl Shared {
    async fn wait_for_answer(&self, ts: u64, parameters: &Parameters, repeat: bool) -> String {
        let key = parameters.get("key").map_or("", String::as_str);
        let wait = parameters.get("wait").and_then(|wait| wait.parse().ok()).unwrap_or(USUAL_WAIT);
        let deadline =
            tokio::time::Instant::now() + Duration::from_secs(wait.clamp(1, LONGEST_WAIT));
        let mut news = self.polls.subscribe();
        let mut held = None;
        loop {
            if let Some(answer) = self.answer_now(key, ts, repeat) {
                return answer;
            }
            held.get_or_insert_with(|| Held::new(self));
            if timeout_at(deadline, news.changed()).await.is_err() {
                self.count(|stats| stats.count_poll("empty"));
                return empty_reply(ts);
            }
        }
    }

    /// The answer to a poll; `None` while there is nothing to return.
    fn answer_now(&self, key: &str, ts: u64, repeat: bool) -> Option<String> {
        let limit = self.options.max_updates_per_reply.max(1);
        let mut state = self.lock();
        let reply = match state.keys.check(key, Instant::now()) {
            Verdict::Expired => Err(2),
            Verdict::OtherQueue => Err(3),
            Verdict::Silent => return None,
            Verdict::Good => match state.queue.page(ts, limit, repeat) {
                Page::Nothing => return None,
                Page::Lost => Err(1),
                Page::Updates { body, count, ts } => {
                    state.stats.count_served(count, ts);
                    Ok(body)
                }
            },
        };
        if let Err(code) = reply {
            state.stats.count_poll(&format!("failed-{code}"));
        }
        drop(state);
        self.counts.send_replace(());
        Some(reply.unwrap_or_else(|code| self.failed(code)))
    }

    /// The answer for a `failed` code, with the fields that VK adds.
    fn failed(&self, code: i64) -> String {
        match code {
            1 => format!(r#"{{"failed":1,"ts":{}}}"#, self.lock().queue.newest()),
            4 => r#"{"failed":4,"min_version":0,"max_version":19}"#.to_owned(),
            code => format!(r#"{{"failed":{code}}}"#),
        }
    }
}
