//! Where the service's own view of itself is put together. Looking at it costs Redis nothing, however
//! many look: Redis is asked in the background.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    PastTrouble, Redis, Service, Status, Told, Trouble,
    history::{Counts, History, rate},
};
use crate::{
    bus::{StreamState, Survey, Surveyor},
    health::{Failure, Health, Role},
    metrics::Metrics,
    text,
};

/// How often the counts are looked at.
const PERIOD: Duration = Duration::from_secs(10);

/// What the service knows of itself and of the bus.
#[derive(Debug)]
pub struct Board {
    version: &'static str,
    group_id: i64,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    started: Instant,
    history: Mutex<History>,
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
    /// A board with nothing on it yet, for a service that has just started.
    #[must_use]
    pub fn new(
        version: &'static str,
        group_id: i64,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let history = History::beginning_at(Counts::of(&metrics.commits));
        Self {
            version,
            group_id,
            health,
            metrics,
            started: Instant::now(),
            history: Mutex::new(history),
            redis: Mutex::default(),
        }
    }

    /// How all of it does now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::new(Told::This(self.service()), self.redis())
    }

    /// Keeps the board up to date for as long as it is polled; without `surveyor` there is no Redis.
    pub async fn keep(&self, surveyor: Option<Surveyor>) {
        tokio::join!(self.keep_history(), self.keep_redis(surveyor));
    }

    async fn keep_history(&self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            lock(&self.history).look(Counts::of(&self.metrics.commits));
        }
    }

    async fn keep_redis(&self, surveyor: Option<Surveyor>) {
        let Some(mut surveyor) = surveyor else { return };
        *lock(&self.redis) = Some(Seen::default());
        surveyor.watch(|answer| self.see(answer)).await;
    }

    fn see(&self, answer: redis::RedisResult<Survey>) {
        let mut redis = lock(&self.redis);
        let seen = redis.get_or_insert_default();
        match answer {
            Ok(survey) => {
                self.metrics.streams.set(self.streams_to_count(&survey));
                *seen = Seen { survey: Some((Instant::now(), survey)), error: None };
            }
            Err(error) => {
                let error = text::excerpt(&error.to_string());
                tracing::debug!(error, "Redis does not tell how the bus stands");
                seen.error = Some(error);
            }
        }
    }

    /// All streams, where this instance fetches: what several instances see is counted once.
    fn streams_to_count(&self, survey: &Survey) -> Vec<StreamState> {
        if self.health.verdict().role != Role::Fetching {
            return Vec::new();
        }
        let letters = &survey.dead_letters;
        let letters = StreamState {
            name: letters.name.clone(),
            length: letters.count,
            newest_age_s: None,
            groups: Vec::new(),
        };
        survey.streams.iter().cloned().chain([letters]).collect()
    }

    fn service(&self) -> Service {
        let verdict = self.health.verdict();
        let history = lock(&self.history);
        let minutes = history.minutes(&Counts::of(&self.metrics.commits));
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
            last_commit_s: self.metrics.fetching.committed_ago().map(|it| it.as_secs()),
            events_a_minute: rate(&minutes),
            troubles: verdict.troubles.into_iter().map(Trouble::from).collect(),
            past_troubles: past
                .map(|(failure, end)| PastTrouble {
                    ended_s: end.as_secs(),
                    trouble: failure.into(),
                })
                .collect(),
            gaps: history.gaps(),
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
