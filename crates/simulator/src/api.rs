//! The API server: parameters, token, version, rate limit and faults of every call.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Form, Router,
    extract::{FromRequest as _, Path, Query, Request, State as AxumState},
    http::{HeaderMap, header::AUTHORIZATION},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use crate::{
    control,
    error::ApiError,
    fault::Fault,
    methods::{self, execute},
    server::{Cutter, latency},
    spoil::{instead_of_answer, json as answer_with, spoil},
    state::Shared,
};

/// The codes that `lang` accepts in addition to numbers.
const LANGUAGES: [&str; 9] = ["ru", "ua", "uk", "be", "en", "es", "fi", "de", "it"];
/// The oldest API version that VK still serves.
const OLDEST_VERSION: (u32, u32) = (5, 81);

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/method/{method}", get(call).post(call))
        .nest("/control", control::router())
        .with_state(shared)
}

/// The parameters of a call, from its query and its form.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    async fn of(request: Request) -> Self {
        let query =
            Query::try_from_uri(request.uri()).map_or_else(|_| Vec::new(), |Query(query)| query);
        let mut parameters = Self(query);
        // The form of a GET is its query.
        if request.method().is_safe() {
            return parameters;
        }
        // VK ignores bodies of other types, such as JSON.
        if let Ok(Form(form)) = Form::<Vec<(String, String)>>::from_request(request, &()).await {
            parameters.0.extend(form);
        }
        parameters
    }

    /// The parameters of a call within `execute`, with those that `execute` passes to all its calls.
    pub(crate) fn of_call(&self, parameters: Vec<(String, String)>) -> Self {
        let common = self.0.iter().filter(|(name, _)| name != "code").cloned();
        Self(parameters.into_iter().chain(common).collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The items of a comma-separated list; none if it is missing or empty.
    pub(crate) fn list(&self, key: &str) -> Vec<&str> {
        let text = self.get(key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// Whether `lang` asks for names in Cyrillic.
    pub(crate) fn in_russian(&self) -> bool {
        self.get("lang")
            .is_some_and(|lang| matches!(lang, "ru" | "ua" | "uk" | "be" | "0" | "1" | "2"))
    }
}

async fn call(
    AxumState(shared): AxumState<Arc<Shared>>,
    Path(method): Path<String>,
    Extension(cutter): Extension<Cutter>,
    request: Request,
) -> Response {
    shared.count(|stats| stats.count_call(&method));
    let mut fault = shared.call_fault(&method);
    if let Some(fault) = &fault
        && let Some(response) = instead_of_answer(fault, &cutter).await
    {
        return response;
    }
    let token = bearer(request.headers()).map(str::to_owned);
    let parameters = Parameters::of(request).await;
    let calls = if method == "execute" { execute::calls_of(&parameters) } else { Vec::new() };
    let mut errors = Vec::new();
    if fault.is_none() && !calls.is_empty() {
        (fault, errors) = shared.faults_in_execute(&calls);
        if let Some(fault) = &fault
            && let Some(response) = instead_of_answer(fault, &cutter).await
        {
            return response;
        }
    }
    let result = shared.answer(&method, token.as_deref(), &parameters, fault.as_ref(), &errors);
    if let Err(error) = &result {
        shared.count(|stats| stats.count_error(error.code));
    }
    let body = match (&fault, result) {
        (Some(Fault::Failed(code)), _) => json!({ "failed": code }).to_string(),
        (_, Ok(whole)) if method == "execute" => whole.to_string(),
        (_, Ok(answer)) => json!({ "response": answer }).to_string(),
        (_, Err(error)) => error.envelope(&echo(&method, &parameters)),
    };
    latency(shared.options.api_latency).await;
    match &fault {
        Some(fault) => spoil(fault, body, &cutter).await,
        None => answer_with(body),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn echo(method: &str, parameters: &Parameters) -> Vec<(String, String)> {
    let mut echoed =
        vec![("method".to_owned(), method.to_owned()), ("oauth".to_owned(), "1".to_owned())];
    echoed.extend(parameters.0.iter().cloned());
    echoed
}

impl Shared {
    fn answer(
        &self,
        method: &str,
        token: Option<&str>,
        parameters: &Parameters,
        fault: Option<&Fault>,
        errors: &[Option<i64>],
    ) -> Result<Value, ApiError> {
        let mut state = self.lock();
        let token = token.or_else(|| parameters.get("access_token"));
        if !token.is_some_and(|token| state.settings.tokens.iter().any(|it| it == token)) {
            return Err(ApiError::of_code(5));
        }
        match fault {
            Some(Fault::Error(code)) => return Err(ApiError::of_code(*code)),
            Some(_) => {}
            None if state.limit.accept(Instant::now()) => {}
            None => return Err(ApiError::of_code(6)),
        }
        check_version(parameters)?;
        check_language(parameters)?;
        if method == "execute" {
            return execute::execute(parameters, self, &mut state, errors);
        }
        methods::answer(method, parameters, self, &mut state)
    }
}

fn check_version(parameters: &Parameters) -> Result<(), ApiError> {
    let version =
        parameters.get("v").ok_or_else(|| ApiError::because(8, "v (version) is required"))?;
    let parts = version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parts {
        Some(parts) if parts >= OLDEST_VERSION => Ok(()),
        _ => Err(ApiError::because(8, "v (version) should be 5.81 or higher")),
    }
}

fn check_language(parameters: &Parameters) -> Result<(), ApiError> {
    match parameters.get("lang") {
        Some(lang) if !LANGUAGES.contains(&lang) && lang.parse::<u32>().is_err() => {
            Err(ApiError::because(100, "lang is unknown"))
        }
        _ => Ok(()),
    }
}
