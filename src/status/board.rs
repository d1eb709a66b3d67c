//! Where the service's own view of itself is put together. Looking at it costs Redis nothing, however
//! many look: Redis is asked in the background.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{
    PastTrouble, Redis, Service, Status, Told, Trouble,
    history::{History, rate},
};
use crate::{
    bus::Survey,
    health::{Failure, Health},
    text,
};

/// What the service knows of itself and of the bus.
#[derive(Debug)]
pub struct Board {
    version: &'static str,
    group_id: i64,
    health: Arc<Health>,
    history: Arc<History>,
    started: Instant,
    /// None where events go to standard output.
    redis: Mutex<Option<Seen>>,
}

/// What Redis said.
#[derive(Debug, Default)]
struct Seen {
    /// The last answer.
    survey: Option<(Instant, Survey)>,
    /// Why there was none since.
    error: Option<String>,
}

impl Board {
    /// A board with nothing on it yet, for a service that has just started; without `has_redis` events go
    /// to standard output.
    #[must_use]
    pub fn new(
        version: &'static str,
        group_id: i64,
        health: Arc<Health>,
        history: Arc<History>,
        has_redis: bool,
    ) -> Self {
        Self {
            version,
            group_id,
            health,
            history,
            started: Instant::now(),
            redis: Mutex::new(has_redis.then(Seen::default)),
        }
    }

    /// How all of it does now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::new(Told::This(self.service()), self.redis())
    }

    /// Redis was asked how the bus stands.
    pub fn see(&self, answer: redis::RedisResult<Survey>) {
        let mut redis = lock(&self.redis);
        let seen = redis.get_or_insert_default();
        match answer {
            Ok(survey) => {
                *seen = Seen { survey: Some((Instant::now(), survey)), error: None };
            }
            Err(error) => {
                let error = text::excerpt(&error.to_string());
                tracing::debug!(error, "Redis does not tell how the bus stands");
                seen.error = Some(error);
            }
        }
    }

    fn service(&self) -> Service {
        let verdict = self.health.verdict();
        let minutes = self.history.minutes();
        let past = self.health.past().into_iter();
        Service {
            version: self.version.to_owned(),
            group_id: self.group_id,
            uptime_s: self.started.elapsed().as_secs(),
            role: verdict.role.as_str().to_owned(),
            role_for_s: verdict.role_for.as_secs(),
            ready: verdict.ready,
            stalled: verdict.stalled,
            last_poll_s: verdict.polled.map(|it| it.as_secs()),
            last_commit_s: self.history.last_commit().map(|it| it.as_secs()),
            events_a_minute: rate(&minutes),
            troubles: verdict.troubles.into_iter().map(Trouble::from).collect(),
            past_troubles: past
                .map(|(failure, end)| PastTrouble {
                    ended_s: end.as_secs(),
                    trouble: failure.into(),
                })
                .collect(),
            gaps: self.history.gaps(),
            minutes,
        }
    }

    fn redis(&self) -> Option<Redis> {
        let redis = lock(&self.redis);
        let Seen { survey, error } = redis.as_ref()?;
        Some(Redis {
            error: error.clone(),
            read_s_ago: survey.as_ref().map(|(at, _)| at.elapsed().as_secs()),
            survey: survey.as_ref().map(|(_, survey)| survey.clone()),
        })
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let Failure { party, lasts, reached, reason } = failure;
        Self { party: party.as_str().to_owned(), for_s: lasts.as_secs(), reached, reason }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
