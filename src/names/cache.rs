//! What VK told about ids, bounded in number and age.

use quick_cache::sync::Cache as Quick;
use tokio::time::Instant;

use super::config::Ttls;

/// What the cache holds of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held<N> {
    /// Nothing, or nothing that may still be served.
    Nothing,
    /// An answer young enough; none where VK does not know the id.
    Fresh(Option<N>),
    /// An answer to serve, and to renew.
    Stale(Option<N>),
}

/// Answers by id. The least used make room for new ones.
pub(super) struct Cache<N: Clone + Send + Sync + 'static> {
    answers: Quick<i64, Answer<N>>,
    ttls: Ttls,
}

#[derive(Debug, Clone)]
struct Answer<N> {
    name: Option<N>,
    at: Instant,
}

impl<N: Clone + Send + Sync + 'static> Cache<N> {
    /// A cache of at most `capacity` answers.
    pub(super) fn new(capacity: u64, ttls: Ttls) -> Self {
        Self { answers: Quick::new(capacity.try_into().unwrap_or(usize::MAX)), ttls }
    }

    pub(super) fn get(&self, id: i64) -> Held<N> {
        let Some(Answer { name, at }) = self.answers.get(&id) else { return Held::Nothing };
        let age = at.elapsed();
        let fresh = if name.is_some() { self.ttls.soft } else { self.ttls.negative };
        if age < fresh {
            Held::Fresh(name)
        } else if age < self.ttls.hard {
            Held::Stale(name)
        } else {
            Held::Nothing
        }
    }

    pub(super) fn put(&self, id: i64, name: Option<N>) {
        self.answers.insert(id, Answer { name, at: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TTLS: Ttls = Ttls {
        soft: Duration::from_secs(60),
        hard: Duration::from_secs(600),
        negative: Duration::from_secs(5),
    };

    #[tokio::test(start_paused = true)]
    async fn a_name_is_fresh_then_stale_then_gone() {
        let cache = Cache::new(10, TTLS);
        cache.put(1, Some("Anna"));
        assert_eq!(cache.get(1), Held::Fresh(Some("Anna")));
        tokio::time::advance(TTLS.soft).await;
        assert_eq!(cache.get(1), Held::Stale(Some("Anna")));
        tokio::time::advance(TTLS.hard).await;
        assert_eq!(cache.get(1), Held::Nothing);
        assert_eq!(cache.get(2), Held::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn a_negative_answer_is_believed_for_less_time() {
        let cache = Cache::<&str>::new(10, TTLS);
        cache.put(1, None);
        assert_eq!(cache.get(1), Held::Fresh(None));
        tokio::time::advance(TTLS.negative).await;
        assert_eq!(cache.get(1), Held::Stale(None));
    }

    #[test]
    fn the_number_of_answers_is_bounded() {
        let cache = Cache::new(100, TTLS);
        for id in 0..10_000 {
            cache.put(id, Some(id));
        }
        assert!((50..=100).contains(&cache.answers.len()), "{}", cache.answers.len());
    }
}
