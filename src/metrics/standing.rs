//! How the service stands, as [`Health`] sees it at the moment of asking.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::health::{Health, Party, Role};

pub(super) fn register(health: Arc<Health>, registry: &mut Registry) {
    registry.register_collector(Box::new(Standing(health)));
}

#[derive(Debug)]
struct Standing(Arc<Health>);

impl Collector for Standing {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let verdict = self.0.verdict();
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
            flag(verdict.role == role).encode(roles.encode_family(&[("role", role.as_str())])?)?;
        }
        let mut troubles = encoder.encode_descriptor(
            "trouble",
            "For how long a party that the service depends on has failed; 0 while it does not.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for party in Party::ALL {
            let lasts = self.0.ill_for(party).unwrap_or_default().as_secs_f64();
            let labels = [("party", party.as_str())];
            ConstGauge::new(lasts).encode(troubles.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
