//! VK's limit of API calls per second (a sliding-window log), and the peak that callers reached.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(1);

/// The calls accepted within the last second.
#[derive(Debug)]
pub(crate) struct Limit {
    per_second: usize,
    accepted: VecDeque<Instant>,
    peak: usize,
}

impl Limit {
    /// At most `per_second` calls in any second; 0 = no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = if per_second == 0 { usize::MAX } else { per_second as usize };
        Self { per_second, accepted: VecDeque::new(), peak: 0 }
    }

    /// Whether a call at `now` is accepted.
    pub(crate) fn accept(&mut self, now: Instant) -> bool {
        while self.accepted.front().is_some_and(|&past| now.duration_since(past) >= WINDOW) {
            self.accepted.pop_front();
        }
        let accepted = self.accepted.len() < self.per_second;
        if accepted {
            self.accepted.push_back(now);
            self.peak = self.peak.max(self.accepted.len());
        }
        accepted
    }

    /// The largest number of calls accepted in any second.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut limit = Limit::new(2);
        assert!(limit.accept(at(0)));
        assert!(limit.accept(at(900)));
        assert!(!limit.accept(at(999)), "two calls within the second");
        assert!(limit.accept(at(1000)), "the first call is a second old");
        assert!(!limit.accept(at(1899)), "a refused call does not count, the accepted ones do");
        assert_eq!(limit.peak(), 2);
    }

    #[test]
    fn no_limit_still_records_the_peak() {
        let now = Instant::now();
        let mut limit = Limit::new(0);
        assert!((0..50).all(|_| limit.accept(now)));
        assert_eq!(limit.peak(), 50);
    }
}
