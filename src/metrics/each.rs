//! A metric for each value of a label.

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, TypedMetric},
};

use super::Label;

/// One metric for each value of a label, all there from the start: a series that appears only with its
/// first event would hide that event from `rate` and `increase`.
#[derive(Debug)]
pub struct Each<L, M>(Arc<[(L, M)]>);

impl<L, M> Clone for Each<L, M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<L: Label, M> Each<L, M> {
    pub(super) fn new(metric: impl Fn() -> M) -> Self {
        Self(L::all().into_iter().map(|label| (label, metric())).collect())
    }

    /// The metric for a value.
    #[must_use]
    pub fn of(&self, label: L) -> &M {
        #[expect(clippy::expect_used, reason = "`Label::all` has every value")]
        let (_, metric) = self.0.iter().find(|(it, _)| *it == label).expect("every value is there");
        metric
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(L, M)> {
        self.0.iter()
    }
}

impl<L: Label, M: Default> Default for Each<L, M> {
    fn default() -> Self {
        Self::new(M::default)
    }
}

impl<L: Label, M: EncodeMetric + TypedMetric> EncodeMetric for Each<L, M> {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(label, metric)| metric.encode(encoder.encode_family(&label.pairs())?))
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}
