//! A cache of VK's answers about ids, bounded in number, size and age.

use std::{sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache as Quick};
use tokio::time::Instant;

use super::config::Ttls;
use crate::converter::{Community, Person};

/// What the cache has for an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cached<N> {
    /// No answer, or one older than the hard TTL.
    Missing,
    /// An answer within its soft or negative TTL; `None` when VK does not know the id.
    Fresh(Option<N>),
    /// An answer to use, and to refresh in the background.
    Stale(Option<N>),
}

/// The memory that an answer takes.
pub(super) trait Size {
    /// Its texts in bytes.
    fn size(&self) -> usize;
}

impl Size for Arc<Person> {
    fn size(&self) -> usize {
        self.bytes()
    }
}

impl Size for Arc<Community> {
    fn size(&self) -> usize {
        self.bytes()
    }
}

impl Size for Arc<str> {
    fn size(&self) -> usize {
        self.len()
    }
}

/// The bytes of a name that count as one answer; VK's own names are shorter.
const NAME_SIZE: usize = 512;

/// A long name takes the capacity of several answers.
#[derive(Debug, Clone)]
struct BySize;

impl<N: Size> Weighter<i64, Answer<N>> for BySize {
    fn weight(&self, _: &i64, answer: &Answer<N>) -> u64 {
        answer.name.as_ref().map_or(1, |name| 1 + (name.size() / NAME_SIZE) as u64)
    }
}

/// Answers by id; a full cache evicts by the Clock-PRO policy of `quick_cache`.
pub(super) struct Cache<N: Size + Clone + Send + Sync + 'static> {
    answers: Quick<i64, Answer<N>, BySize>,
    ttls: Ttls,
}

#[derive(Debug, Clone)]
struct Answer<N> {
    name: Option<N>,
    at: Instant,
    /// The name is not refreshed before.
    refresh_from: Instant,
}

impl<N: Size + Clone + Send + Sync + 'static> Cache<N> {
    /// A cache of at most `capacity` answers.
    pub(super) fn new(capacity: u64, ttls: Ttls) -> Self {
        let items = capacity.try_into().unwrap_or(usize::MAX);
        Self { answers: Quick::with_weighter(items, capacity, BySize), ttls }
    }

    pub(super) fn get(&self, id: i64) -> Cached<N> {
        let Some(Answer { name, at, refresh_from }) = self.answers.get(&id) else {
            return Cached::Missing;
        };
        let age = at.elapsed();
        let ttl = if name.is_some() { self.ttls.soft } else { self.ttls.negative };
        if age < ttl || (age < self.ttls.hard && Instant::now() < refresh_from) {
            Cached::Fresh(name)
        } else if age < self.ttls.hard {
            Cached::Stale(name)
        } else {
            Cached::Missing
        }
    }

    /// Whether at least half of the capacity is free.
    pub(super) fn has_capacity(&self) -> bool {
        self.answers.weight() * 2 <= self.answers.capacity()
    }

    pub(super) fn put(&self, id: i64, name: Option<N>) {
        self.put_aged(id, name, Duration::ZERO);
    }

    /// Caches an answer that VK gave so long ago.
    pub(super) fn put_aged(&self, id: i64, name: Option<N>, age: Duration) {
        if let Some(at) = Instant::now().checked_sub(age) {
            self.answers.insert(id, Answer { name, at, refresh_from: at });
        }
    }

    /// Keeps the cached answer of an id whose look-up failed, and does not refresh it for one negative TTL.
    /// Without a usable answer, caches a negative one.
    pub(super) fn keep(&self, id: i64) {
        match (self.get(id), self.answers.get(&id)) {
            (Cached::Fresh(_) | Cached::Stale(_), Some(answer)) => {
                let refresh_from = Instant::now() + self.ttls.negative;
                self.answers.insert(id, Answer { refresh_from, ..answer });
            }
            _ => self.put(id, None),
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(cache.get(1), Cached::Fresh(Some("Anna")));
        tokio::time::advance(TTLS.soft).await;
        assert_eq!(cache.get(1), Cached::Stale(Some("Anna")));
        tokio::time::advance(TTLS.hard).await;
        assert_eq!(cache.get(1), Cached::Missing);
        assert_eq!(cache.get(2), Cached::Missing);
    }

    #[tokio::test(start_paused = true)]
    async fn a_negative_answer_has_its_own_ttl() {
        let cache = Cache::<&str>::new(10, TTLS);
        cache.put(1, None);
        assert_eq!(cache.get(1), Cached::Fresh(None));
        tokio::time::advance(TTLS.negative).await;
        assert_eq!(cache.get(1), Cached::Stale(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_cannot_be_refreshed_is_kept_for_a_negative_ttl() {
        let cache = Cache::new(10, TTLS);
        cache.put(1, Some("Anna"));
        tokio::time::advance(TTLS.soft).await;
        cache.keep(1);
        assert_eq!(cache.get(1), Cached::Fresh(Some("Anna")));
        tokio::time::advance(TTLS.negative).await;
        assert_eq!(cache.get(1), Cached::Stale(Some("Anna")));
        cache.keep(2);
        assert_eq!(cache.get(2), Cached::Fresh(None));
    }

    #[test]
    fn long_names_take_the_capacity_of_several() {
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
