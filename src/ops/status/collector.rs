//! Where the service's own view of itself is put together. Looking at it costs Redis nothing, however
//! many look: Redis is asked in the background.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Failure, PastFailure, QueryResult, Redis, Service, Status,
    history::{Counts, History, rate},
};
use crate::{
    bus::{BusSnapshot, SnapshotReader, StreamState},
    metrics::Metrics,
    ops::health::{self, Health, Role},
};

/// How often the counts are looked at.
const PERIOD: Duration = Duration::from_secs(10);

/// What the service knows of itself and of the bus.
#[derive(Debug)]
pub struct StatusCollector {
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
    snapshot: Option<(Instant, BusSnapshot)>,
    /// Why there was none since.
    error: Option<String>,
}

impl StatusCollector {
    /// A collector with nothing on it yet, for a service that has just started.
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
        Status::new(QueryResult::Ok(self.service()), self.redis())
    }

    /// Keeps the collector up to date for as long as it is polled; without `snapshot_reader` there is no Redis.
    pub async fn keep(&self, snapshot_reader: Option<SnapshotReader>) {
        tokio::join!(self.keep_history(), self.keep_redis(snapshot_reader));
    }

    async fn keep_history(&self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            lock(&self.history).look(Counts::of(&self.metrics.commits));
        }
    }

    async fn keep_redis(&self, snapshot_reader: Option<SnapshotReader>) {
        let Some(mut snapshot_reader) = snapshot_reader else { return };
        *lock(&self.redis) = Some(Seen::default());
        snapshot_reader.watch(|answer| self.see(answer)).await;
    }

    fn see(&self, answer: redis::RedisResult<BusSnapshot>) {
        let mut redis = lock(&self.redis);
        let seen = redis.get_or_insert_default();
        match answer {
            Ok(snapshot) => {
                self.metrics.streams.set(self.streams_to_count(&snapshot));
                *seen = Seen { snapshot: Some((Instant::now(), snapshot)), error: None };
            }
            Err(error) => {
                tracing::debug!(%error, "Redis does not tell how the bus stands");
                seen.error = Some(error.to_string());
            }
        }
    }

    /// All streams, where this instance fetches: what several instances see is counted once.
    fn streams_to_count(&self, snapshot: &BusSnapshot) -> Vec<StreamState> {
        if self.health.verdict().role != Role::Fetching {
            return Vec::new();
        }
        let letters = &snapshot.dead_letters;
        let letters = StreamState {
            name: letters.name.clone(),
            length: letters.count,
            newest_age_s: None,
            groups: Vec::new(),
        };
        snapshot.streams.iter().cloned().chain([letters]).collect()
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
            failures: verdict.failures.into_iter().map(Failure::from).collect(),
            past_failures: past
                .map(|(failure, end)| PastFailure {
                    ended_s: end.as_secs(),
                    failure: failure.into(),
                })
                .collect(),
            gaps: history.gaps(),
            minutes,
        }
    }

    fn redis(&self) -> Option<Redis> {
        let redis = lock(&self.redis);
        let Seen { snapshot, error } = redis.as_ref()?;
        Some(Redis {
            error: error.clone(),
            read_s_ago: snapshot.as_ref().map(|(at, _)| at.elapsed().as_secs()),
            snapshot: snapshot.as_ref().map(|(_, snapshot)| snapshot.clone()),
        })
    }
}

impl From<health::Failure> for Failure {
    fn from(failure: health::Failure) -> Self {
        let health::Failure { dependency, lasts, reached, reason } = failure;
        Self { dependency: dependency.as_str().to_owned(), for_s: lasts.as_secs(), reached, reason }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
