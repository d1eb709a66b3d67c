//! The report in the log at the service's start.

use std::{sync::Arc, time::Duration};

use super::{Finding, Mark, ask_redis, ask_vk};
use crate::{
    bus,
    ops::health::{Health, Role},
    vk::{self, Api},
};

/// How often it is looked whether this instance fetches by now.
const PERIOD: Duration = Duration::from_millis(500);

/// Logs what is found, once this instance fetches: a standby need not ask VK.
pub async fn log_once_fetching(
    api: Arc<Api>,
    vk: vk::Config,
    bus: bus::Config,
    health: Arc<Health>,
) {
    while health.snapshot().role != Role::Fetching {
        tokio::time::sleep(PERIOD).await;
    }
    let (vk, redis) = tokio::join!(ask_vk(&api, &vk.api_version), ask_redis(&bus));
    log("VK", &vk);
    log("Redis", &redis);
}

fn log(partner: &'static str, findings: &[Finding]) {
    let well = findings.iter().filter(|finding| finding.mark == Mark::Ok);
    let well: Vec<_> = well.map(|finding| finding.what.as_str()).collect();
    if !well.is_empty() {
        let well = well.join("; ");
        tracing::info!("start-up check of {partner}, all well: {well}");
    }
    for Finding { mark, what, cure } in findings {
        match mark {
            Mark::Ok => {}
            Mark::Unknown => tracing::info!(cure, "start-up check of {partner}: {what}"),
            Mark::Warning | Mark::Problem => {
                tracing::warn!(cure, "start-up check of {partner}: {what}");
            }
        }
    }
}
