//! Streams and consumer groups as Prometheus reads them.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::{BusSnapshot, GroupState};

/// The gauges `stream_length`, `consumer_group_lag` and `consumer_group_pending`.
#[derive(Debug, Clone, Default)]
pub struct StreamGauges(Arc<Mutex<Option<BusSnapshot>>>);

impl StreamGauges {
    /// Shows the streams of `snapshot`; with none there are no series.
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
            "Entries of a stream that a consumer group has yet to read (Redis 7 and newer).",
            of_groups(|group| group.lag),
        )?;
        gauge(
            &mut encoder,
            "consumer_group_pending",
            "Entries that a consumer group has read and not acknowledged.",
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
