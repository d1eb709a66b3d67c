//! One line for each metric: made, and registered under its name.

use std::{hash::Hash, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry, Unit},
};
use strum::VariantArray;

use super::{Seconds, Timestamp};

/// The upper bounds of all histograms' buckets, in seconds: 1, 2.5 and 5 of each power of ten.
const BUCKETS: [f64; 22] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0,
];

/// The label sets of every value of a label.
pub(super) fn each<V: VariantArray + Copy, S>(labels: impl Fn(V) -> S) -> impl Iterator<Item = S> {
    V::VARIANTS.iter().map(move |&value| labels(value))
}

/// Makes metrics and registers them.
pub(super) struct Register<'a>(pub(super) &'a mut Registry);

impl Register<'_> {
    /// A counter; its name gets the suffix `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str) -> Counter {
        self.add(name, help, None, Counter::default())
    }

    /// A counter for each of `labels`; their name gets the suffix `_total`.
    pub(super) fn counters<S: Labels>(
        &mut self,
        name: &str,
        help: &str,
        labels: impl Iterator<Item = S>,
    ) -> Family<S, Counter> {
        self.add(name, help, None, family(Counter::default, labels))
    }

    /// A sum of seconds for each of `labels`; their name gets the suffix `_seconds_total`.
    pub(super) fn sums_of_seconds<S: Labels>(
        &mut self,
        name: &str,
        help: &str,
        labels: impl Iterator<Item = S>,
    ) -> Family<S, Seconds> {
        self.add(name, help, Some(Unit::Seconds), family(Seconds::default, labels))
    }

    /// A gauge of whole numbers.
    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Gauge<u64, AtomicU64> {
        self.add(name, help, None, Gauge::default())
    }

    /// A point in time; its name gets the suffix `_timestamp_seconds`.
    pub(super) fn timestamp(&mut self, name: &str, help: &str) -> Timestamp {
        let name = format!("{name}_timestamp");
        self.add(&name, help, Some(Unit::Seconds), Timestamp::default())
    }

    /// A histogram of durations; its name gets the suffix `_seconds`.
    pub(super) fn histogram(&mut self, name: &str, help: &str) -> Histogram {
        self.add(name, help, Some(Unit::Seconds), durations())
    }

    /// A histogram of durations for each of `labels`; their name gets the suffix `_seconds`.
    pub(super) fn histograms<S: Labels>(
        &mut self,
        name: &str,
        help: &str,
        labels: impl Iterator<Item = S>,
    ) -> Family<S, Histogram> {
        self.add(name, help, Some(Unit::Seconds), family(durations, labels))
    }

    fn add<M: Metric + Clone>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        metric: M,
    ) -> M {
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, metric.clone()),
            None => self.0.register(name, help, metric.clone()),
        }
        metric
    }
}

/// What a family needs of its label set.
pub(super) trait Labels:
    EncodeLabelSet + Clone + Eq + Hash + std::fmt::Debug + Send + Sync + 'static
{
}

impl<S: EncodeLabelSet + Clone + Eq + Hash + std::fmt::Debug + Send + Sync + 'static> Labels for S {}

/// A family with a series for each of `labels` from the start: a series that appears only with its first
/// event hides that event from `rate` and `increase`.
fn family<S: Labels, M: Clone>(metric: fn() -> M, labels: impl Iterator<Item = S>) -> Family<S, M> {
    let family = Family::new_with_constructor(metric);
    for labels in labels {
        drop(family.get_or_create(&labels));
    }
    family
}

fn durations() -> Histogram {
    Histogram::new(BUCKETS)
}
