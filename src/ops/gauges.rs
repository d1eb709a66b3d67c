//! Gauges that are computed at the scrape: the service's health, and the last snapshot of the bus.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};

use super::{
    dependency::Dependency,
    health::{Health, Role},
    status::{BusSnapshot, GroupState},
    verdict::Readiness,
};

/// The gauges `ready`, `role` and `dependency_failing_seconds`.
#[derive(Debug)]
pub struct HealthGauges(pub Arc<Health>);

impl Collector for HealthGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Readiness { verdict, health } = Readiness::new(self.0.snapshot(), None);
        let flag = |is: bool| ConstGauge::new(u64::from(is));
        flag(verdict.ready).encode(encoder.encode_descriptor(
            "ready",
            "Whether the service is ready: 1 if /readyz answers 200.",
            None,
            MetricType::Gauge,
        )?)?;
        let mut roles = encoder.encode_descriptor(
            "role",
            "The role of this process: one of the series is 1.",
            None,
            MetricType::Gauge,
        )?;
        for role in [Role::Starting, Role::Standby, Role::Fetching] {
            flag(health.role == role).encode(roles.encode_family(&[("role", role.as_str())])?)?;
        }
        let mut failing = encoder.encode_descriptor(
            "dependency_failing",
            "How long a dependency has been failing; 0 if it works.",
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

/// The gauges `stream_length`, `consumer_group_lag` and `consumer_group_pending`.
#[derive(Debug, Clone, Default)]
pub struct StreamGauges(Arc<Mutex<Option<BusSnapshot>>>);

impl StreamGauges {
    /// Exports the streams of `snapshot`; without one there are no series.
    pub fn show(&self, snapshot: Option<BusSnapshot>) {
        *self.snapshot() = snapshot;
    }

    fn snapshot(&self) -> MutexGuard<'_, Option<BusSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for StreamGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.snapshot().clone();
        let streams = snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.streams);
        let letters = snapshot.as_ref().map(|snapshot| &snapshot.dead_letters);
        let lengths = streams.iter().map(|stream| (&stream.name, stream.length));
        let lengths = lengths.chain(letters.map(|letters| (&letters.name, letters.count)));
        gauge(
            &mut encoder,
            "stream_length",
            "Entries in a stream.",
            lengths.map(|(stream, length)| (vec![("stream", &**stream)], length)),
        )?;
        let of_groups = |number: fn(&GroupState) -> Option<u64>| {
            streams.iter().flat_map(move |stream| {
                stream.groups.iter().filter_map(move |group| {
                    let labels = vec![("stream", &*stream.name), ("group", &*group.name)];
                    Some((labels, number(group)?))
                })
            })
        };
        gauge(
            &mut encoder,
            "consumer_group_lag",
            "Entries of a stream that were not delivered to a consumer group (Redis 7 and newer).",
            of_groups(|group| group.lag),
        )?;
        gauge(
            &mut encoder,
            "consumer_group_pending",
            "Entries that were delivered to a consumer group and not acknowledged.",
            of_groups(|group| Some(group.pending)),
        )
    }
}

/// Writes a gauge with a series for each set of labels.
fn gauge<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (Vec<(&'static str, &'a str)>, u64)>,
) -> fmt::Result {
    let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, number) in series {
        ConstGauge::new(number).encode(gauge.encode_family(&labels)?)?;
    }
    Ok(())
}
