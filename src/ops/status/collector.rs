//! Puts the service's view of itself together. Redis has no work from those who read it, however many they
//! are: the bus is read in the background, and reported here.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    BusReport, BusSnapshot, QueryResult, Service, Status, StreamState,
    history::{Counts, History, rate},
};
use crate::{
    metrics::Metrics,
    ops::{
        health::{Health, HealthSnapshot, Role},
        verdict::{Readiness, Verdict},
    },
};

/// How often the counts are read.
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
    /// None where events go to standard output, or nobody reads the bus.
    bus: Mutex<Option<LastAnswer>>,
}

/// What Redis answered.
#[derive(Debug, Default)]
struct LastAnswer {
    /// The last snapshot.
    snapshot: Option<(Instant, BusSnapshot)>,
    /// Why there was none since.
    error: Option<String>,
}

impl StatusCollector {
    /// A collector of a service that has just started.
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
            bus: Mutex::default(),
        }
    }

    /// The health that the verdict is made from.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Everything that is known now.
    #[must_use]
    pub fn status(&self) -> Status {
        let (health, bus) = (self.health.snapshot(), self.bus());
        Status {
            verdict: Verdict::new(&health, bus.as_ref()),
            service: QueryResult::Ok(self.service(health)),
            redis: bus,
        }
    }

    /// The verdict and what it was made from, without the rest of [`status`](Self::status).
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness::new(self.health.snapshot(), self.bus().as_ref())
    }

    /// Keeps the last hour up to date for as long as it is polled.
    pub async fn keep_history(&self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            lock(&self.history).look(Counts::of(&self.metrics.commits));
        }
    }

    /// There is a bus, and its reports will follow.
    pub fn expect_bus(&self) {
        lock(&self.bus).get_or_insert_default();
    }

    /// What Redis answered when it was asked for the state of the bus, or why it did not.
    pub fn bus_reported(&self, answer: Result<BusSnapshot, String>) {
        let mut bus = lock(&self.bus);
        let last = bus.get_or_insert_default();
        match answer {
            Ok(snapshot) => {
                self.metrics.streams.set(self.streams_to_count(&snapshot));
                *last = LastAnswer { snapshot: Some((Instant::now(), snapshot)), error: None };
            }
            Err(error) => {
                tracing::debug!(%error, "Redis did not report the state of the bus");
                last.error = Some(error);
            }
        }
    }

    /// All streams, where this instance fetches: what several instances see is counted once.
    fn streams_to_count(&self, snapshot: &BusSnapshot) -> Vec<StreamState> {
        if self.health.snapshot().role != Role::Fetching {
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

    fn service(&self, health: HealthSnapshot) -> Service {
        let history = lock(&self.history);
        let minutes = history.minutes(&Counts::of(&self.metrics.commits));
        Service {
            version: self.version.to_owned(),
            group_id: self.group_id,
            uptime_s: self.started.elapsed().as_secs(),
            role: health.role,
            role_for_s: health.role_for.as_secs(),
            last_poll_s: health.polled.map(|it| it.as_secs()),
            last_commit_s: health.committed.map(|it| it.as_secs()),
            events_a_minute: rate(&minutes),
            failures: health.failures,
            past_failures: self.health.past(),
            gaps: history.gaps(),
            minutes,
        }
    }

    fn bus(&self) -> Option<BusReport> {
        let bus = lock(&self.bus);
        let LastAnswer { snapshot, error } = bus.as_ref()?;
        Some(BusReport {
            error: error.clone(),
            read_s_ago: snapshot.as_ref().map(|(at, _)| at.elapsed().as_secs()),
            snapshot: snapshot.as_ref().map(|(_, snapshot)| snapshot.clone()),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
