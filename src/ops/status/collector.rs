//! Collects the status of the service. The state of the bus is read in the background and reported here, so
//! the load on Redis does not depend on how many clients read the status.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{
    BusReport, BusSnapshot, QueryResult, Service, Status,
    history::{History, rate},
    trend::LagTrend,
};
use crate::{
    ops::{
        health::{Health, HealthSnapshot},
        verdict::{Readiness, Verdict},
    },
    text,
};

/// The sources of the status.
#[derive(Debug)]
pub struct StatusCollector {
    version: &'static str,
    group_id: i64,
    health: Arc<Health>,
    history: Arc<History>,
    started: Instant,
    /// None if events go to standard output, or if nothing reads the state of the bus.
    bus: Mutex<Option<LastAnswer>>,
}

/// The last answer of Redis.
#[derive(Debug, Default)]
struct LastAnswer {
    /// The last snapshot.
    snapshot: Option<(Instant, BusSnapshot)>,
    /// Why later queries failed.
    error: Option<String>,
    trend: LagTrend,
}

impl StatusCollector {
    /// A collector for a service that has just started. `has_bus` says whether the state of the bus will be
    /// [reported](Self::bus_reported).
    #[must_use]
    pub fn new(
        version: &'static str,
        group_id: i64,
        health: Arc<Health>,
        history: Arc<History>,
        has_bus: bool,
    ) -> Self {
        Self {
            version,
            group_id,
            health,
            history,
            started: Instant::now(),
            bus: Mutex::new(has_bus.then(LastAnswer::default)),
        }
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> Status {
        let (health, bus) = (self.health.snapshot(), self.bus());
        Status {
            verdict: Verdict::new(&health, bus.as_ref()),
            service: QueryResult::Ok(self.service(health)),
            redis: bus,
        }
    }

    /// The current verdict and the health that it was made from.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness::new(self.health.snapshot(), self.bus().as_ref())
    }

    /// Reports the state of the bus, or why Redis did not return it.
    pub fn bus_reported(&self, answer: Result<BusSnapshot, String>) {
        let mut bus = lock(&self.bus);
        let last = bus.get_or_insert_default();
        match answer {
            Ok(mut snapshot) => {
                last.trend.add_to(&mut snapshot);
                last.snapshot = Some((Instant::now(), snapshot));
                last.error = None;
            }
            Err(error) => {
                let error = text::excerpt(&error);
                tracing::debug!(error, "Redis did not report the state of the bus");
                last.error = Some(error);
            }
        }
    }

    fn service(&self, health: HealthSnapshot) -> Service {
        let minutes = self.history.minutes();
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
            gaps: self.history.gaps(),
            minutes,
        }
    }

    fn bus(&self) -> Option<BusReport> {
        let bus = lock(&self.bus);
        let LastAnswer { snapshot, error, .. } = bus.as_ref()?;
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
