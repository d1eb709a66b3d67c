//! Times, sorted into buckets. The library's own histogram cannot be read back, and locks.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// The upper bounds of the buckets, in microseconds: 1, 2.5 and 5 of each power of ten, from a tenth
/// of a millisecond to a thousand seconds.
const BOUNDS: [u64; 22] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
];

/// How often things took how long.
#[derive(Debug, Clone, Default)]
pub struct Histogram(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// How many fell into each bucket, and how many beyond the last.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

/// What a histogram has counted up to a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// Counts one thing that took so long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|&bound| bound < micros);
        self.0.buckets[bucket].fetch_add(1, Relaxed);
        self.0.sum_micros.fetch_add(micros, Relaxed);
    }

    /// What was counted up to now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let counts = std::array::from_fn(|bucket| self.0.buckets[bucket].load(Relaxed));
        Snapshot { counts, sum: Duration::from_micros(self.0.sum_micros.load(Relaxed)) }
    }
}

impl Snapshot {
    /// How many things were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What was counted since an earlier snapshot of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            counts: std::array::from_fn(|at| self.counts[at].saturating_sub(earlier.counts[at])),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }

    /// What at least this share (0 to 1) of the things took at most: the bound of the bucket it falls
    /// into. None where nothing was counted, or where the bound is beyond the last bucket's.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        #[expect(clippy::cast_precision_loss, reason = "a share of a number, not the number")]
        let wanted = share * self.count() as f64;
        let mut counted = 0;
        for (bound, count) in BOUNDS.iter().zip(self.counts) {
            counted += count;
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            if counted > 0 && counted as f64 >= wanted {
                return Some(Duration::from_micros(*bound));
            }
        }
        None
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let snapshot = self.snapshot();
        let bounds = BOUNDS.iter().map(|&micros| Duration::from_micros(micros).as_secs_f64());
        let buckets: Vec<_> = bounds.chain([f64::MAX]).zip(snapshot.counts).collect();
        let (sum, count) = (snapshot.sum.as_secs_f64(), snapshot.count());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.snapshot().quantile(0.5), None);
        for took in [1, 1, 1, 70] {
            histogram.observe(millis(took));
        }
        let all = histogram.snapshot();
        assert_eq!((all.count(), all.quantile(0.5)), (4, Some(millis(1))));
        assert_eq!(all.quantile(0.99), Some(millis(100)));
    }

    #[test]
    fn what_came_since_is_told_apart() {
        let histogram = Histogram::default();
        histogram.observe(millis(1));
        let before = histogram.snapshot();
        histogram.observe(millis(400));
        let since = histogram.snapshot().since(&before);
        assert_eq!((since.count(), since.quantile(0.5)), (1, Some(millis(500))));
    }

    #[test]
    fn what_took_longer_than_all_buckets_counts_too() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_secs(100_000));
        let all = histogram.snapshot();
        assert_eq!((all.count(), all.quantile(1.0)), (1, None));
    }
}
