//! The client of VK's API: one method call, with its token, limit and error classes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use reqwest::{Client, Url};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

use crate::ops::{
    metrics::{CallLabels, CallOutcome, Calls, MethodLabels, Seconds},
    retry::Backoff,
};

use super::{
    Access, CallError, Config, ErrorClass, Method, RequestError,
    credential::Credential,
    http,
    limit::{Limit, Place},
};

/// How long all calls rest after error 6 (too many calls a second): VK's window and a little.
const OVER_LIMIT_PAUSE: Duration = Duration::from_millis(1500);
/// How long a method rests after VK's flood control or the method's own limit, at first ...
const FLOOD_PAUSE: Duration = Duration::from_secs(60);
/// ... and at most.
const FLOOD_PAUSE_CAP: Duration = Duration::from_secs(30 * 60);

/// How many methods may leave all their calls unanswered and the others still be called: more than there
/// are methods for names and messages.
const METHODS_HANGING: u32 = 6;

/// VK's API for one community.
#[derive(Debug)]
pub struct Api {
    http: Client,
    settings: Config,
    group_id: i64,
    credential: RwLock<Arc<Credential>>,
    limit: Limit,
    /// The calls that each method may have under way: a method that does not answer keeps its places of
    /// the limit, and must leave some to the others.
    slots: HashMap<Method, Semaphore>,
    floods: Mutex<HashMap<Method, Flood>>,
    metrics: Calls,
}

/// A method that VK asked to leave alone.
#[derive(Debug)]
struct Flood {
    until: Instant,
    backoff: Backoff,
}

impl Api {
    /// A client for `access`; fails when the TLS set-up of the machine cannot be used.
    pub fn new(settings: Config, access: Access, metrics: Calls) -> anyhow::Result<Self> {
        let Access { group_id, token } = access;
        let at_once = (settings.requests_per_second / METHODS_HANGING).max(1) as usize;
        let slots = Method::ALL.iter().map(|method| (*method, Semaphore::new(at_once))).collect();
        Ok(Self {
            http: http::client(settings.timeout, &settings)?,
            limit: Limit::new(settings.requests_per_second),
            slots,
            settings,
            group_id,
            credential: RwLock::new(Arc::new(Credential::new(token)?)),
            floods: Mutex::default(),
            metrics,
        })
    }

    /// The community.
    #[must_use]
    pub fn group_id(&self) -> i64 {
        self.group_id
    }

    /// The token in use.
    pub(super) fn credential(&self) -> Arc<Credential> {
        self.credential.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another token from the next call on, if VK grants it a Long Poll server of this
    /// community; the one in use stays otherwise.
    pub async fn change_token(&self, token: SecretString) -> Result<(), CallError> {
        let refused = |error: anyhow::Error| CallError::Unreachable {
            method: Method::LongPollServer,
            reason: error.to_string().into(),
        };
        let credential = Arc::new(Credential::new(token).map_err(refused)?);
        self.long_poll_server_as(&credential).await?;
        *self.credential.write().unwrap_or_else(PoisonError::into_inner) = credential;
        Ok(())
    }

    /// The API's URL, whose host is also accepted for Long Poll.
    pub(super) fn url(&self) -> &Url {
        &self.settings.api_url
    }

    /// Waits until `method` may be called. What to ask is best decided after this, so that all
    /// that has come up meanwhile goes into one call.
    pub async fn permit(&self, method: Method) -> Permit<'_> {
        let labels = MethodLabels { method: method.as_str() };
        let seconds = self.metrics.rate_limit_wait.get_or_create_owned(&labels);
        let _waited = Waited { seconds, since: Instant::now() };
        loop {
            let flood_end = self.floods().get(&method).map(|flood| flood.until);
            if let Some(until) = flood_end {
                sleep_until(until).await;
            }
            if let Some(permit) = self.permit_unless_throttled(method).await {
                return permit;
            }
        }
    }

    /// The same, but where VK asked to leave `method` alone there is none.
    pub async fn permit_unless_throttled(&self, method: Method) -> Option<Permit<'_>> {
        if self.is_throttled(method) {
            return None;
        }
        let Ok(slot) = self.slots[&method].acquire().await else {
            unreachable!("nobody closes the semaphores")
        };
        let place = self.limit.place().await;
        (!self.is_throttled(method)).then_some(Permit { api: self, method, place, _slot: slot })
    }

    /// Whether VK asked to leave `method` alone for a while, minutes perhaps.
    #[must_use]
    pub fn is_throttled(&self, method: Method) -> bool {
        self.floods().get(&method).is_some_and(|flood| flood.until > Instant::now())
    }

    fn floods(&self) -> std::sync::MutexGuard<'_, HashMap<Method, Flood>> {
        self.floods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn post(
        &self,
        method: Method,
        params: &[(&str, &str)],
        credential: &Credential,
    ) -> Result<Vec<u8>, RequestError> {
        let url = self.settings.api_url.join(method.as_str()).map_err(|error| error.to_string())?;
        let common =
            [("v", self.settings.api_version.as_str()), ("lang", self.settings.lang.as_str())];
        let form: Vec<_> = params.iter().copied().chain(common).collect();
        let response = self
            .http
            .post(url)
            .header(reqwest::header::AUTHORIZATION, credential.authorization())
            .form(&form)
            .send()
            .await
            .map_err(http::describe)?;
        http::body(response, http::CALL_CAP).await
    }

    fn count(&self, method: Method, outcome: CallOutcome) {
        let labels = CallLabels { method: method.as_str(), outcome };
        self.metrics.calls.get_or_create(&labels).inc();
    }

    /// Makes every later call wait as long as VK's answer asks for.
    fn apply_backoff(&self, method: Method, error: &CallError) {
        if error.class() != ErrorClass::Throttled {
            return;
        }
        let CallError::Rejected { code, .. } = error else { return };
        if *code == 6 {
            self.limit.pause(OVER_LIMIT_PAUSE);
            return;
        }
        let mut floods = self.floods();
        let flood = floods.entry(method).or_insert_with(|| Flood {
            until: Instant::now(),
            backoff: Backoff::new(FLOOD_PAUSE, FLOOD_PAUSE_CAP),
        });
        let pause = flood.backoff.fail();
        flood.until = Instant::now() + pause;
        tracing::warn!(%method, code, pause_seconds = pause.as_secs(), "VK asks to pause this method");
    }
}

/// The right to call a method once, now.
#[derive(Debug)]
pub struct Permit<'a> {
    api: &'a Api,
    method: Method,
    place: Place<'a>,
    _slot: SemaphorePermit<'a>,
}

impl Permit<'_> {
    /// The same right, used for another method.
    pub(super) fn instead(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Calls the method. The parameters `v` and `lang` and the token are added.
    pub async fn call<T: DeserializeOwned>(self, params: &[(&str, &str)]) -> Result<T, CallError> {
        self.read(params, |response| serde_json::from_str(response.value.get())).await
    }

    /// The same with another token than the one in use.
    pub(super) async fn call_as<T: DeserializeOwned>(
        self,
        credential: &Credential,
        params: &[(&str, &str)],
    ) -> Result<T, CallError> {
        self.read_as(credential, params, |response| serde_json::from_str(response.value.get()))
            .await
    }

    /// Calls the method and has `read` read the response.
    pub(super) async fn read<T>(
        self,
        params: &[(&str, &str)],
        read: impl FnOnce(Response<'_>) -> serde_json::Result<T>,
    ) -> Result<T, CallError> {
        let credential = self.api.credential();
        self.read_as(&credential, params, read).await
    }

    async fn read_as<T>(
        mut self,
        credential: &Credential,
        params: &[(&str, &str)],
        read: impl FnOnce(Response<'_>) -> serde_json::Result<T>,
    ) -> Result<T, CallError> {
        let (api, method) = (self.api, self.method);
        self.place.start();
        let answer = match api.post(method, params, credential).await {
            Ok(body) => open(&body).and_then(|response| {
                read(response).map_err(|error| unexpected("response", &error))
            }),
            Err(reason) => Err(Failure::Unusable(reason)),
        };
        let error = match answer {
            Ok(response) => {
                api.count(method, CallOutcome::Ok);
                api.floods().remove(&method);
                return Ok(response);
            }
            Err(Failure::Error { code, message }) => {
                CallError::Rejected { method, code, message: credential.redacted(&message) }
            }
            Err(Failure::Unusable(reason)) => CallError::Unreachable { method, reason },
        };
        api.count(method, outcome(&error));
        api.apply_backoff(method, &error);
        Err(error)
    }
}

fn outcome(error: &CallError) -> CallOutcome {
    match (error, error.class()) {
        (CallError::Unreachable { .. }, _) => CallOutcome::Unreachable,
        (_, ErrorClass::Transient) => CallOutcome::TransientError,
        (_, ErrorClass::Throttled) => CallOutcome::Throttled,
        (_, ErrorClass::Skip) => CallOutcome::Rejected,
        (_, ErrorClass::Permanent) => CallOutcome::PermanentError,
    }
}

/// Counts the time until it is dropped, also where a wait is given up.
struct Waited {
    seconds: Seconds,
    since: Instant,
}

impl Drop for Waited {
    fn drop(&mut self) {
        self.seconds.inc_by(self.since.elapsed().as_secs_f64());
    }
}

pub(super) enum Failure {
    Error { code: i64, message: String },
    Unusable(RequestError),
}

/// VK's envelope: a body with `response`, or with `error`, whatever the HTTP status says.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    error: Option<ErrorBody>,
    #[serde(borrow)]
    execute_errors: Option<&'a RawValue>,
}

/// The part of an error that may be shown: `request_params` is left out since it can hold secrets.
#[derive(Deserialize)]
struct ErrorBody {
    error_code: i64,
    #[serde(default)]
    error_msg: String,
}

/// A method's response, unread.
pub(super) struct Response<'a> {
    /// What stands in the envelope.
    pub(super) value: &'a RawValue,
    /// The errors of the calls within an `execute`.
    pub(super) execute_errors: Option<&'a RawValue>,
}

fn open(body: &[u8]) -> Result<Response<'_>, Failure> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|error| unexpected("body", &error))?;
    match envelope {
        Envelope { error: Some(error), .. } => {
            Err(Failure::Error { code: error.error_code, message: error.error_msg })
        }
        Envelope { response: Some(value), execute_errors, .. } => {
            Ok(Response { value, execute_errors })
        }
        Envelope { .. } => Err(Failure::Unusable("neither response nor error in the body".into())),
    }
}

/// What VK says of a body, for tests: the calls read responses in their own ways.
#[cfg(any(test, fuzzing))]
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let response = open(body)?;
    serde_json::from_str(response.value.get()).map_err(|error| unexpected("response", &error))
}

/// Says where the JSON is not as expected; what stands there may be a secret.
fn unexpected(what: &str, error: &serde_json::Error) -> Failure {
    let kind = if error.is_data() { "JSON of an unexpected shape" } else { "not JSON" };
    Failure::Unusable(format!("the {what} is {kind} (byte {})", error.column()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_http_200_is_an_error() {
        let body = br#"{"error":{"error_code":5,"error_msg":"no","request_params":[]}}"#;
        assert!(matches!(
            decode::<i64>(body),
            Err(Failure::Error { code: 5, message }) if message == "no"
        ));
    }

    #[test]
    fn bodies_that_are_not_vks_envelope_are_unusable() {
        for body in [&b""[..], b"<html>", b"{}", b"[]", b"{\"response\":\"text\"}", b"\xff"] {
            assert!(matches!(decode::<i64>(body), Err(Failure::Unusable(_))));
        }
    }

    fn api(token: &str) -> Api {
        let settings = Config {
            group_id: Some(1),
            api_url: Url::parse("http://127.0.0.1:9/method/").unwrap(),
            api_version: "5.199".into(),
            lang: "ru".to_owned(),
            wait: Duration::from_secs(25),
            session_check: Duration::from_secs(300),
            timeout: Duration::from_secs(1),
            tls: crate::vk::Tls { ca: None },
            requests_per_second: 18,
        };
        let access = Access { group_id: 1, token: token.into() };
        Api::new(settings, access, Calls::default()).unwrap()
    }

    #[tokio::test]
    async fn methods_that_hang_leave_the_others_their_turns() {
        let api = api("token");
        let hanging = [
            Method::Users,
            Method::Communities,
            Method::Conversations,
            Method::Messages,
            Method::Execute,
        ];
        let mut permits = Vec::new();
        for method in hanging {
            for _ in 0..3 {
                permits.push(api.permit(method).await);
            }
        }
        let fourth = api.permit(Method::Users);
        assert!(tokio::time::timeout(Duration::from_millis(200), fourth).await.is_err());
        api.permit(Method::LongPollServer).await;
        permits.clear();
        api.permit(Method::Users).await;
    }

    #[tokio::test]
    async fn neither_debug_nor_errors_show_the_token() {
        let token = "vk1.a.very-secret";
        let api = api(token);
        assert!(!format!("{api:?}").contains(token));
        assert_eq!(api.credential().redacted("bad vk1.a.very-secret!"), "bad ***!");
        let error = api.permit(Method::Users).await.call::<i64>(&[]).await.unwrap_err();
        assert_eq!((error.class(), error.reached()), (ErrorClass::Transient, false));
        assert!(!error.to_string().contains("127.0.0.1:9/"), "{error}");
    }
}
