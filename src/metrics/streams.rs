//! What is on the bus, as last looked at.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, gauge::ConstGauge},
};

use crate::ops::status::{GroupState, StreamState};

/// The streams and their consumer groups, as last looked at; none where this process does not fetch.
#[derive(Debug, Clone, Default)]
pub struct Streams(Arc<Mutex<Vec<StreamState>>>);

impl Streams {
    /// What was seen last.
    #[must_use]
    pub fn latest(&self) -> Vec<StreamState> {
        self.states().clone()
    }

    /// Replaces what was seen before.
    pub fn set(&self, states: Vec<StreamState>) {
        *self.states() = states;
    }

    fn states(&self) -> std::sync::MutexGuard<'_, Vec<StreamState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Streams {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let states = self.latest();
        let lengths = Series(
            states.iter().map(|state| (vec![("stream", &*state.name)], state.length)).collect(),
        );
        let of_groups = |number: fn(&GroupState) -> Option<u64>| {
            let groups = states.iter().flat_map(|state| {
                state.groups.iter().map(|group| (&*state.name, &*group.name, number(group)))
            });
            let labelled = groups.filter_map(|(stream, group, number)| {
                Some((vec![("stream", stream), ("group", group)], number?))
            });
            Series(labelled.collect())
        };
        for (name, help, series) in [
            ("stream_length", "Entries in a stream.", lengths),
            (
                "group_lag",
                "Entries of a stream that a consumer group has yet to read (Redis 7 and newer).",
                of_groups(|group| group.lag),
            ),
            (
                "group_pending",
                "Entries that a consumer group has read and not acknowledged.",
                of_groups(|group| Some(group.pending)),
            ),
        ] {
            series.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

/// A number for each set of labels.
struct Series<'a>(Vec<(Vec<(&'static str, &'a str)>, u64)>);

impl Series<'_> {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        self.0.iter().try_for_each(|(labels, number)| {
            ConstGauge::new(*number).encode(encoder.encode_family(labels)?)
        })
    }
}
