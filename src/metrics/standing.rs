//! The state of the service at the moment of the scrape, and the verdict on it.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::ops::{
    dependency::Dependency,
    health::{Health, Role},
    verdict::Readiness,
};

pub(super) fn register(health: Arc<Health>, registry: &mut Registry) {
    registry.register_collector(Box::new(Standing(health)));
}

#[derive(Debug)]
struct Standing(Arc<Health>);

impl Collector for Standing {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Readiness { verdict, health } = Readiness::new(self.0.snapshot(), None);
        let flag = |is: bool| ConstGauge::new(u64::from(is));
        flag(verdict.ready).encode(encoder.encode_descriptor(
            "ready",
            "Whether the service does its work, as /readyz says.",
            None,
            MetricType::Gauge,
        )?)?;
        let mut roles = encoder.encode_descriptor(
            "role",
            "What this process does: one of its series is 1.",
            None,
            MetricType::Gauge,
        )?;
        for role in [Role::Starting, Role::Standby, Role::Fetching] {
            flag(health.role == role).encode(roles.encode_family(&[("role", role.as_str())])?)?;
        }
        let mut failures = encoder.encode_descriptor(
            "trouble",
            "For how long a dependency of the service has failed; 0 while it does not.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for dependency in Dependency::ALL {
            let failure = health.failures.iter().find(|it| it.dependency == dependency);
            let lasts = failure.map(|it| it.lasts).unwrap_or_default().as_secs_f64();
            let labels = [("party", dependency.as_str())];
            ConstGauge::new(lasts).encode(failures.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
