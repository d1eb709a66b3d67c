//! Notifications to systemd for a service of `Type=notify`: readiness, the status line, the watchdog.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::ops::status::StatusCollector;

/// The maximum time between two notifications; with a short watchdog they come twice within its limit.
const PERIOD: Duration = Duration::from_secs(1);

/// Notifies systemd until `stop`. Does nothing if systemd did not start the process with `Type=notify`.
///
/// The service is ready as soon as it runs: a start of the machine, or a switch to another configuration, must
/// not wait for VK or Redis. The status line shows whether events flow.
///
/// The watchdog is notified unless the service has stalled. An outage of Redis or VK does not count: a
/// restart would not end it, and the service continues by itself after it.
pub async fn notify(collector: Arc<StatusCollector>, stop: CancellationToken) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    send(&[NotifyState::Ready]);
    stop.run_until_cancelled(report(&collector)).await;
    send(&[NotifyState::Stopping]);
}

/// Notifies systemd of a reload, which `work` does.
pub async fn reloading(work: impl Future<Output = ()>) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        send(&[NotifyState::Reloading, now]);
    }
    work.await;
    send(&[NotifyState::Ready]);
}

async fn report(collector: &StatusCollector) {
    let watchdog = sd_notify::watchdog_enabled();
    let mut ticks = interval(watchdog.map_or(PERIOD, |limit| PERIOD.min(limit / 2)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut status = String::new();
    loop {
        ticks.tick().await;
        let readiness = collector.readiness();
        let now = readiness.line();
        let mut notifications = Vec::new();
        if watchdog.is_some() && !readiness.health.stalled {
            notifications.push(NotifyState::Watchdog);
        }
        if now != status {
            status = now;
            notifications.push(NotifyState::Status(&status));
        }
        send(&notifications);
    }
}

fn send(notifications: &[NotifyState]) {
    if notifications.is_empty() {
        return;
    }
    if let Err(error) = sd_notify::notify(notifications) {
        tracing::debug!(%error, "systemd did not accept a notification");
    }
}
