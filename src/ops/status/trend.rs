//! How the lags of the consumer groups change.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::BusSnapshot;

/// The time over which a change is measured.
const SPAN: Duration = Duration::from_secs(60);

/// The lags of about the last minute.
#[derive(Debug, Default)]
pub(super) struct LagTrend(VecDeque<(Instant, Lags)>);

/// The lag of each group, by stream and group.
type Lags = HashMap<(String, String), u64>;

impl LagTrend {
    /// Fills in the changes of the lags, and remembers the lags.
    pub(super) fn add_to(&mut self, snapshot: &mut BusSnapshot) {
        let now = Instant::now();
        while self.0.get(1).is_some_and(|(at, _)| now - *at >= SPAN) {
            self.0.pop_front();
        }
        let mut lags = Lags::new();
        for stream in &mut snapshot.streams {
            for group in &mut stream.groups {
                let Some(lag) = group.lag else { continue };
                let key = (stream.name.clone(), group.name.clone());
                let earlier = self.0.iter().find_map(|(_, earlier)| earlier.get(&key));
                group.lag_change =
                    earlier.and_then(|&it| i64::try_from(i128::from(lag) - i128::from(it)).ok());
                lags.insert(key, lag);
            }
        }
        self.0.push_back((now, lags));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_is_that_of_the_last_minute() {
        let mut trend = LagTrend::default();
        let mut changes = Vec::new();
        for lag in [5, 8, 20, 50, 40, 30, 20, 10, 0] {
            let mut snapshot: BusSnapshot = serde_json::from_value(serde_json::json!({
                "dead_letters": {"name": "d", "count": 0}, "streams": [{"name": "s", "length": 1,
                    "groups": [{"name": "g", "consumers": 1, "pending": 0, "lag": lag}]}],
            }))
            .unwrap();
            trend.add_to(&mut snapshot);
            changes.push(snapshot.streams[0].groups[0].lag_change);
            tokio::time::advance(Duration::from_secs(20)).await;
        }
        let changes: Vec<_> = changes.into_iter().map(|it| it.unwrap_or(99)).collect();
        assert_eq!(changes, [99, 3, 15, 45, 32, 10, -30, -30, -30]);
    }
}
