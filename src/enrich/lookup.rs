//! Look-ups in one directory: cached, each id queried once, in as few calls as VK allows.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, oneshot};

use super::{
    cache::{Cache, Cached},
    config::{Ttls, Unresolved},
    directory::Directory,
    query::QueryState,
};
use crate::{
    ops::{
        health::Health,
        metrics::{CacheLabels, CacheResult, DirectoryLabels, Enrichment},
    },
    vk::{Api, CallError, Permit},
};

/// The lists of ids of one directory that are queried or retried at the same time.
const CONCURRENT_LISTS: usize = 4;

/// The look-ups in one directory.
pub(super) struct Lookup<D: Directory> {
    cache: Cache<D::Name>,
    queue: Mutex<Queue<D::Name>>,
    wake: Notify,
    pub(super) policy: Policy,
    pub(super) health: Arc<Health>,
    hits: Counter,
    stale: Counter,
    misses: Counter,
    pub(super) unresolved: Counter,
    pub(super) state: QueryState,
}

/// What happens to an id whose look-up keeps failing when it is queried alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) unresolved: Unresolved,
    pub(super) after: Duration,
}

/// The ids to query.
struct Queue<N> {
    /// Those that no call contains yet.
    next: BTreeSet<i64>,
    /// All, also those of calls in flight, with the batches that wait for them; no batch waits for an id
    /// that is only refreshed.
    waiters: HashMap<i64, Vec<oneshot::Sender<Option<N>>>>,
}

/// The names of a batch: from the cache, and those being looked up.
pub(super) struct Pending<N> {
    found: HashMap<i64, N>,
    queried: Vec<(i64, oneshot::Receiver<Option<N>>)>,
}

impl<N> Pending<N> {
    /// Waits for all names. Ids that VK does not know are absent.
    pub(super) async fn finish(self) -> HashMap<i64, N> {
        let Self { mut found, queried } = self;
        let queried = queried.into_iter().map(async |(id, name)| Some((id, name.await.ok()??)));
        found.extend(join_all(queried).await.into_iter().flatten());
        found
    }
}

impl<D: Directory> Lookup<D> {
    pub(super) fn new(
        capacity: u64,
        ttls: Ttls,
        policy: Policy,
        health: Arc<Health>,
        metrics: &Enrichment,
    ) -> Self {
        let queue = Queue { next: BTreeSet::new(), waiters: HashMap::new() };
        let count = |result| {
            metrics.cache_lookups.get_or_create_owned(&CacheLabels { cache: D::CACHE, result })
        };
        Self {
            cache: Cache::new(capacity, ttls),
            queue: Mutex::new(queue),
            wake: Notify::new(),
            policy,
            health,
            hits: count(CacheResult::Hit),
            stale: count(CacheResult::Stale),
            misses: count(CacheResult::Miss),
            unresolved: metrics
                .names_unresolved
                .get_or_create_owned(&DirectoryLabels { cache: D::CACHE }),
            state: QueryState::default(),
        }
    }

    /// Takes names from the cache, and enqueues the ids that are missing or stale.
    pub(super) fn start(&self, ids: &BTreeSet<i64>) -> Pending<D::Name> {
        let mut pending = Pending { found: HashMap::with_capacity(ids.len()), queried: Vec::new() };
        let (mut stale, mut missing) = (0, 0);
        for &id in ids {
            let name = match self.cache.get(id) {
                Cached::Fresh(name) => name,
                Cached::Stale(name) => {
                    stale += 1;
                    self.enqueue(id, None);
                    name
                }
                Cached::Missing => {
                    missing += 1;
                    let (sender, receiver) = oneshot::channel();
                    self.enqueue(id, Some(sender));
                    pending.queried.push((id, receiver));
                    None
                }
            };
            if let Some(name) = name {
                pending.found.insert(id, name);
            }
        }
        self.hits.inc_by(ids.len() as u64 - stale - missing);
        self.stale.inc_by(stale);
        self.misses.inc_by(missing);
        pending
    }

    /// Sets a name that an update contains. A call in flight does not overwrite it.
    pub(super) fn set(&self, id: i64, name: &D::Name) {
        self.queue().next.remove(&id);
        self.settle(id, Some(name));
    }

    /// Queries VK for as long as it is polled; ends only with a permanent error.
    pub(super) async fn run(&self, api: &Api) -> CallError {
        let mut lists = FuturesUnordered::new();
        let mut suspects = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(failed) = lists.next(), if !lists.is_empty() => match failed {
                    Ok(failed) => suspects.push(self.bisect(api, failed)),
                    Err(error) => return error,
                },
                Some(parts) = suspects.next(), if !suspects.is_empty() => match parts {
                    Ok(parts) => suspects.extend(parts.into_iter().map(|ids| self.bisect(api, ids))),
                    Err(error) => return error,
                },
                permit = self.permit(api), if lists.len() < CONCURRENT_LISTS => {
                    let ids = self.dequeue();
                    if !ids.is_empty() {
                        lists.push(self.query(api, permit, ids));
                    }
                }
            }
        }
    }

    /// Waits for an id, then for the rate limit: ids enqueued meanwhile go into the same call.
    async fn permit<'a>(&self, api: &'a Api) -> Permit<'a> {
        while self.queue().next.is_empty() {
            self.wake.notified().await;
        }
        api.permit(D::METHOD).await
    }

    /// The ids of the next call.
    fn dequeue(&self) -> Vec<i64> {
        let next = &mut self.queue().next;
        let ids: Vec<i64> = next.iter().copied().take(D::IDS_A_CALL).collect();
        for id in &ids {
            next.remove(id);
        }
        ids
    }

    fn enqueue(&self, id: i64, waiter: Option<oneshot::Sender<Option<D::Name>>>) {
        let queue = &mut *self.queue();
        let waiters = queue.waiters.entry(id).or_insert_with(|| {
            queue.next.insert(id);
            self.wake.notify_one();
            Vec::new()
        });
        waiters.extend(waiter);
    }

    /// Removes the ids whose names were set meanwhile.
    pub(super) fn retain_unsettled(&self, ids: &mut Vec<i64>) {
        let queue = self.queue();
        ids.retain(|id| queue.waiters.contains_key(id));
    }

    /// The number of `ids` that batches wait for; the others are only refreshed.
    pub(super) fn awaited(&self, ids: &[i64]) -> usize {
        let queue = self.queue();
        ids.iter().filter(|id| queue.waiters.get(id).is_some_and(|it| !it.is_empty())).count()
    }

    /// Stops querying an id: the batches that wait for it go on without its name.
    pub(super) fn give_up(&self, id: i64) {
        self.cache.keep(id);
        // Dropping the senders ends the wait.
        self.queue().waiters.remove(&id);
    }

    /// Stores VK's answer for an id, unless the name was set while the call was in flight.
    pub(super) fn answer(&self, id: i64, name: Option<&D::Name>) {
        if self.queue().waiters.contains_key(&id) {
            self.settle(id, name);
        }
    }

    fn settle(&self, id: i64, name: Option<&D::Name>) {
        self.cache.put(id, name.cloned());
        for waiter in self.queue().waiters.remove(&id).into_iter().flatten() {
            // A batch that no longer waits has been dropped.
            let _ = waiter.send(name.cloned());
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<D::Name>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
