//! The client of VK's API: one method call, with its token, limit and error classes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use reqwest::{Client, StatusCode, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use strum::VariantArray;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

use super::{
    Access, CallError, Config, ErrorClass, Method, RequestError,
    config::Credential,
    http,
    limit::{RateLimiter, Reservation, Throttles},
    response::{Response, ResponseError, open, unexpected},
};
use crate::ops::metrics::{CallLabels, CallOutcome, Calls, MethodLabels, Seconds};

/// The pause of all calls after error 6 (too many calls a second): VK's window and a margin.
const OVER_LIMIT_PAUSE: Duration = Duration::from_millis(1500);

/// So many methods may hang with all their calls in flight while others still get a slot: more than there
/// are methods for look-ups.
const MAX_HANGING_METHODS: u32 = 6;

/// The large response bodies in memory at once, from the first byte beyond [`http::LARGE`] until the response is
/// parsed.
const LARGE_BODIES: usize = 2;

/// Why a call fails with status 404, which VK itself never sends.
const NO_METHODS: &str = "HTTP status 404: vk.api_url does not lead to VK's API methods. Its path usually ends in \
                          /method/, as in https://api.vk.ru/method/";

/// VK's API for one community.
#[derive(Debug)]
pub struct Api {
    http: Client,
    settings: Config,
    group_id: i64,
    credential: RwLock<Arc<Credential>>,
    limiter: RateLimiter,
    /// The calls that each method may have in flight. A method that does not answer keeps its reservations,
    /// and must not take those of the others.
    in_flight: HashMap<Method, Semaphore>,
    large_bodies: Semaphore,
    throttles: Throttles,
    metrics: Calls,
}

impl Api {
    /// A client for `access`.
    ///
    /// # Errors
    /// If the TLS set-up of the machine, `vk.tls.ca` or the token cannot be used.
    pub fn new(settings: Config, access: Access, metrics: Calls) -> anyhow::Result<Self> {
        let Access { group_id, token } = access;
        let at_once = (settings.requests_per_second / MAX_HANGING_METHODS).max(1) as usize;
        let in_flight =
            Method::VARIANTS.iter().map(|method| (*method, Semaphore::new(at_once))).collect();
        Ok(Self {
            http: http::client(settings.timeout, &settings)?,
            limiter: RateLimiter::new(settings.requests_per_second),
            in_flight,
            settings,
            group_id,
            credential: RwLock::new(Arc::new(Credential::new(token)?)),
            large_bodies: Semaphore::new(LARGE_BODIES),
            throttles: Throttles::default(),
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

    /// Uses another token from the next call on, after VK has named a Long Poll server for it.
    ///
    /// # Errors
    /// If VK did not; the token in use stays.
    pub async fn change_token(&self, token: SecretString) -> Result<(), CallError> {
        let unusable = |error: anyhow::Error| CallError::Unreachable {
            method: Method::LongPollServer,
            reason: error.to_string().into(),
        };
        let credential = Arc::new(Credential::new(token).map_err(unusable)?);
        self.long_poll_server_as(credential.clone()).await?;
        *self.credential.write().unwrap_or_else(PoisonError::into_inner) = credential;
        Ok(())
    }

    /// The API's URL, whose host is also accepted for Long Poll.
    pub(super) fn url(&self) -> &Url {
        &self.settings.api_url
    }

    /// Waits until `method` may be called. Choose the parameters after this, so that one call asks for
    /// everything that is wanted by then.
    pub async fn permit(&self, method: Method) -> Permit<'_> {
        let labels = MethodLabels { method: method.into() };
        let seconds = self.metrics.rate_limit_wait.get_or_create_owned(&labels);
        let _waited = Waited { seconds, since: Instant::now() };
        loop {
            if let Some(until) = self.throttles.until(method) {
                sleep_until(until).await;
            }
            if let Some(permit) = self.permit_unless_throttled(method).await {
                return permit;
            }
        }
    }

    /// Waits until `method` may be called; none if VK asked to pause it.
    pub async fn permit_unless_throttled(&self, method: Method) -> Option<Permit<'_>> {
        if self.is_throttled(method) {
            return None;
        }
        let Ok(in_flight) = self.in_flight[&method].acquire().await else {
            unreachable!("the semaphores are never closed")
        };
        let reservation = self.limiter.reserve().await;
        let credential = self.credential();
        let permit = Permit { api: self, method, credential, reservation, _in_flight: in_flight };
        (!self.is_throttled(method)).then_some(permit)
    }

    /// Whether VK asked to pause `method`, which can last minutes.
    #[must_use]
    pub fn is_throttled(&self, method: Method) -> bool {
        self.throttles.until(method).is_some()
    }

    async fn post(
        &self,
        method: Method,
        params: &[(&str, &str)],
        credential: &Credential,
    ) -> Result<http::Body<'_>, RequestError> {
        let url = self.settings.api_url.join(method.into()).map_err(|error| error.to_string())?;
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
        if response.status() == StatusCode::NOT_FOUND {
            return Err(RequestError { reached: false, reason: NO_METHODS.to_owned() });
        }
        http::body(response, http::CALL_CAP, Some(&self.large_bodies)).await
    }

    fn count(&self, method: Method, outcome: CallOutcome) {
        let labels = CallLabels { method: method.into(), outcome };
        self.metrics.calls.get_or_create(&labels).inc();
    }

    /// Delays later calls if VK's error asks for it.
    fn apply_backoff(&self, method: Method, error: &CallError) {
        if error.class() != ErrorClass::Throttled {
            return;
        }
        let CallError::Rejected { code, .. } = error else { return };
        if *code == 6 {
            self.limiter.pause(OVER_LIMIT_PAUSE);
            return;
        }
        let pause_seconds = self.throttles.apply_backoff(method).as_secs();
        tracing::warn!(
            %method,
            code,
            pause_seconds,
            "VK throttles this method: it is not called until the pause ends"
        );
    }
}

/// The permission to call a method once, now. Holds a slot of the rate limiter until the response.
#[derive(Debug)]
pub struct Permit<'a> {
    api: &'a Api,
    pub(super) method: Method,
    /// The token to call with.
    pub(super) credential: Arc<Credential>,
    reservation: Reservation<'a>,
    _in_flight: SemaphorePermit<'a>,
}

impl Permit<'_> {
    /// Calls the method. The parameters `v` and `lang` and the token are added.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used.
    pub async fn call<T: DeserializeOwned>(self, params: &[(&str, &str)]) -> Result<T, CallError> {
        self.read(params, |response| serde_json::from_str(response.value.get())).await
    }

    /// Calls the method and parses the response with `read`.
    pub(super) async fn read<T>(
        mut self,
        params: &[(&str, &str)],
        read: impl FnOnce(Response<'_>) -> serde_json::Result<T>,
    ) -> Result<T, CallError> {
        self.reservation.start();
        let Self { api, method, credential, .. } = &self;
        let method = *method;
        let response = match api.post(method, params, credential).await {
            Ok(body) => open(&body.bytes).and_then(|response| {
                read(response).map_err(|error| unexpected("response", &error))
            }),
            Err(reason) => Err(ResponseError::Unusable(reason)),
        };
        let error = match response {
            Ok(response) => {
                api.count(method, CallOutcome::Ok);
                api.throttles.reset(method);
                return Ok(response);
            }
            Err(ResponseError::Api { code, message }) => {
                CallError::Rejected { method, code, message: credential.redacted(&message) }
            }
            Err(ResponseError::Unusable(reason)) => CallError::Unreachable { method, reason },
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

/// Counts the time until it is dropped, also if the wait is cancelled.
struct Waited {
    seconds: Seconds,
    since: Instant,
}

impl Drop for Waited {
    fn drop(&mut self) {
        self.seconds.inc_by(self.since.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    async fn methods_that_hang_leave_slots_to_the_others() {
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
