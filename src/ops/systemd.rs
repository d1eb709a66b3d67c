//! What systemd is told of a service of `Type=notify`: that it works, how it does, and that it has
//! not come to a halt.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::ops::{health::Health, status::StatusCollector, verdict::Readiness};

/// How often systemd is told, and at least twice within its watchdog's time.
const PERIOD: Duration = Duration::from_secs(1);

/// Tells systemd until `stop`. Does nothing where systemd does not ask for it.
///
/// The watchdog is fed unless the service has come to a halt by its own fault: where Redis or VK are
/// away a restart would not help, and the service goes on by itself when they are back.
pub async fn tell(collector: Arc<StatusCollector>, stop: CancellationToken) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    stop.run_until_cancelled(report(&collector)).await;
    notify(&[NotifyState::Stopping]);
}

/// Tells systemd that settings are being taken over while `work` does so. A service that has not begun
/// yet is not called ready for it.
pub async fn reloading(health: &Health, work: impl Future<Output = ()>) {
    let begun = health.snapshot().begun;
    if begun && let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
    work.await;
    if begun {
        notify(&[NotifyState::Ready]);
    }
}

async fn report(collector: &StatusCollector) {
    let watchdog = sd_notify::watchdog_enabled();
    let mut ticks = interval(watchdog.map_or(PERIOD, |limit| PERIOD.min(limit / 2)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut begun = false;
    let mut status = String::new();
    loop {
        ticks.tick().await;
        let readiness = collector.readiness();
        let now = readiness.line();
        let Readiness { health, .. } = readiness;
        let mut news = Vec::new();
        if health.begun && !begun {
            begun = true;
            news.push(NotifyState::Ready);
        }
        if watchdog.is_some() && !health.stalled {
            news.push(NotifyState::Watchdog);
        }
        if now != status {
            status = now;
            news.push(NotifyState::Status(&status));
        }
        notify(&news);
    }
}

fn notify(news: &[NotifyState]) {
    if news.is_empty() {
        return;
    }
    if let Err(error) = sd_notify::notify(news) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
