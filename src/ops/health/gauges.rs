//! Health as Prometheus reads it: as it is at the moment of the scrape.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};

use super::{Health, Role};
use crate::ops::{dependency::Dependency, verdict::Readiness};

/// The gauges of a service's health: `ready`, `role` and `dependency_failing_seconds`.
#[derive(Debug)]
pub struct HealthGauges(pub Arc<Health>);

impl Collector for HealthGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Readiness { verdict, health } = Readiness::new(self.0.snapshot(), None);
        let flag = |is: bool| ConstGauge::new(u64::from(is));
        flag(verdict.ready).encode(encoder.encode_descriptor(
            "ready",
            "Whether the service does its work: 1 where /readyz answers 200.",
            None,
            MetricType::Gauge,
        )?)?;
        let mut roles = encoder.encode_descriptor(
            "role",
            "What this process does: one of the series is 1.",
            None,
            MetricType::Gauge,
        )?;
        for role in [Role::Starting, Role::Standby, Role::Fetching] {
            flag(health.role == role).encode(roles.encode_family(&[("role", role.as_str())])?)?;
        }
        let mut failing = encoder.encode_descriptor(
            "dependency_failing",
            "For how long a dependency has been failing; 0 while it does not.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for dependency in Dependency::ALL {
            let failure = health.failures.iter().find(|it| it.dependency == dependency);
            let lasts = failure.map(|it| it.lasts).unwrap_or_default().as_secs_f64();
            let labels = [("dependency", dependency.as_str())];
            ConstGauge::new(lasts).encode(failing.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
