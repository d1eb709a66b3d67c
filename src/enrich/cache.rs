//! What VK told about ids, bounded in number, size and age.

use quick_cache::{Weighter, sync::Cache as Quick};
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

/// How much memory an answer takes.
pub(super) trait Size {
    /// About as many bytes as are on the heap.
    fn size(&self) -> usize;
}

/// The bytes of a name that count as one answer; a name of VK's is shorter.
const NAME_SIZE: usize = 512;

/// A long name takes the room of several answers.
#[derive(Debug, Clone)]
struct BySize;

impl<N: Size> Weighter<i64, Answer<N>> for BySize {
    fn weight(&self, _: &i64, answer: &Answer<N>) -> u64 {
        answer.name.as_ref().map_or(1, |name| 1 + (name.size() / NAME_SIZE) as u64)
    }
}

/// Answers by id. The least used make room for new ones.
pub(super) struct Cache<N: Size + Clone + Send + Sync + 'static> {
    answers: Quick<i64, Answer<N>, BySize>,
    ttls: Ttls,
}

#[derive(Debug, Clone)]
struct Answer<N> {
    name: Option<N>,
    at: Instant,
    /// The name is not to be renewed before.
    renew_from: Instant,
}

impl<N: Size + Clone + Send + Sync + 'static> Cache<N> {
    /// A cache of at most `capacity` answers.
    pub(super) fn new(capacity: u64, ttls: Ttls) -> Self {
        let items = capacity.try_into().unwrap_or(usize::MAX);
        Self { answers: Quick::with_weighter(items, capacity, BySize), ttls }
    }

    pub(super) fn get(&self, id: i64) -> Held<N> {
        let Some(Answer { name, at, renew_from }) = self.answers.get(&id) else {
            return Held::Nothing;
        };
        let age = at.elapsed();
        let fresh = if name.is_some() { self.ttls.soft } else { self.ttls.negative };
        if age < fresh || (age < self.ttls.hard && Instant::now() < renew_from) {
            Held::Fresh(name)
        } else if age < self.ttls.hard {
            Held::Stale(name)
        } else {
            Held::Nothing
        }
    }

    pub(super) fn put(&self, id: i64, name: Option<N>) {
        let now = Instant::now();
        self.answers.insert(id, Answer { name, at: now, renew_from: now });
    }

    /// Notes that VK could not be asked about an id: what is held of it goes on being served, and is not
    /// asked for as long as a negative answer is believed. Without anything to serve, that is one.
    pub(super) fn keep(&self, id: i64) {
        match (self.get(id), self.answers.get(&id)) {
            (Held::Fresh(_) | Held::Stale(_), Some(answer)) => {
                let renew_from = Instant::now() + self.ttls.negative;
                self.answers.insert(id, Answer { renew_from, ..answer });
            }
            _ => self.put(id, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    impl Size for &str {
        fn size(&self) -> usize {
            self.len()
        }
    }

    impl Size for i64 {
        fn size(&self) -> usize {
            0
        }
    }

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

    #[tokio::test(start_paused = true)]
    async fn a_name_that_cannot_be_renewed_is_kept_and_not_asked_for_at_once() {
        let cache = Cache::new(10, TTLS);
        cache.put(1, Some("Anna"));
        tokio::time::advance(TTLS.soft).await;
        cache.keep(1);
        assert_eq!(cache.get(1), Held::Fresh(Some("Anna")));
        tokio::time::advance(TTLS.negative).await;
        assert_eq!(cache.get(1), Held::Stale(Some("Anna")));
        cache.keep(2);
        assert_eq!(cache.get(2), Held::Fresh(None));
    }

    #[test]
    fn long_names_leave_room_for_fewer() {
        let cache = Cache::new(100, TTLS);
        let name: &'static str = "x".repeat(NAME_SIZE * 9).leak();
        for id in 0..10_000 {
            cache.put(id, Some(name));
        }
        assert!((1..=10).contains(&cache.answers.len()), "{}", cache.answers.len());
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
