//! Look-ups in one directory: cached, each id queried once, in as few calls as VK allows.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::oneshot;

use super::{
    busy::{Busy, Place, Wake},
    cache::{Cache, Cached},
    config::{Ttls, Unresolved},
    directory::Directory,
    query::{QueryState, lock},
    stored::MOST_CHANGED,
};
use crate::{
    ops::{
        health::Health,
        metrics::{CacheLabels, CacheResult, DirectoryLabels, Enrichment},
    },
    vk::{Api, CallError, Permit, Priority},
};

/// The lists of ids of one directory that are queried or retried at the same time.
const CONCURRENT_LISTS: usize = 4;

/// The look-ups in one directory.
pub(super) struct Lookup<D: Directory> {
    pub(super) cache: Cache<D::Name>,
    /// Ids whose names are to be stored; none if names are not stored.
    pub(super) changed: Mutex<HashSet<i64>>,
    persist: bool,
    queue: Mutex<Queue<D::Name>>,
    wake: Arc<Wake>,
    lists: Busy,
    pub(super) policy: Policy,
    pub(super) health: Arc<Health>,
    hits: Counter,
    stale: Counter,
    misses: Counter,
    pub(super) unresolved: Counter,
    pub(super) state: QueryState,
}

/// What happens to names, and to an id whose look-up keeps failing when it is queried alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) unresolved: Unresolved,
    pub(super) after: Duration,
    /// Names are stored.
    pub(super) persist: bool,
}

/// The ids to query.
struct Queue<N> {
    /// Those that no call contains yet and a batch waits for.
    awaited: BTreeSet<i64>,
    /// Those that no call contains yet and no batch waits for.
    unawaited: BTreeSet<i64>,
    /// All, also those of calls in flight, with the batches that wait for them.
    waiters: HashMap<i64, Vec<oneshot::Sender<Option<N>>>>,
}

/// The names of a batch: from the cache, and those being looked up.
pub(super) struct Pending<N> {
    found: HashMap<i64, N>,
    queried: Vec<(i64, oneshot::Receiver<Option<N>>)>,
}

/// The ids of a call.
pub(super) struct List<'a> {
    pub(super) ids: Vec<i64>,
    place: Place<'a>,
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
        wake: Arc<Wake>,
    ) -> Self {
        let queue =
            Queue { awaited: BTreeSet::new(), unawaited: BTreeSet::new(), waiters: HashMap::new() };
        let count = |result| {
            metrics.cache_lookups.get_or_create_owned(&CacheLabels { cache: D::CACHE, result })
        };
        Self {
            cache: Cache::new(capacity, ttls),
            changed: Mutex::default(),
            persist: policy.persist,
            queue: Mutex::new(queue),
            lists: Busy::new(CONCURRENT_LISTS, wake.clone()),
            wake,
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
        {
            let mut queue = self.queue();
            queue.awaited.remove(&id);
            queue.unawaited.remove(&id);
        }
        self.settle(id, Some(name));
    }

    /// Sets names that another call returned.
    pub(super) fn store_all(&self, infos: Vec<(i64, D::Info)>) {
        for (id, info) in infos {
            let (name, _) = D::name(info);
            self.set(id, &name);
        }
    }

    /// Whether there is a name or an answer that is not too old.
    pub(super) fn has(&self, id: i64) -> bool {
        !matches!(self.cache.get(id), Cached::Missing)
    }

    /// Whether at least half of the cache is free.
    pub(super) fn has_capacity(&self) -> bool {
        self.cache.has_capacity()
    }

    /// Enqueues an id that no batch waits for, unless it is cached.
    pub(super) fn prefetch(&self, id: i64) {
        if !self.has(id) {
            self.enqueue(id, None);
        }
    }

    /// Whether a call of this priority is wanted and may be made now.
    pub(super) fn is_wanted(&self, priority: Priority) -> bool {
        let queue = self.queue();
        let ids = match priority {
            Priority::Event => &queue.awaited,
            Priority::Background => &queue.unawaited,
        };
        !ids.is_empty() && self.lists.is_free()
    }

    /// The ids of the next call: first those that batches wait for.
    pub(super) fn dequeue(&self) -> Option<List<'_>> {
        let place = self.lists.enter()?;
        let queue = &mut *self.queue();
        let mut ids = Vec::new();
        for from in [&mut queue.awaited, &mut queue.unawaited] {
            while ids.len() < D::IDS_A_CALL
                && let Some(id) = from.pop_first()
            {
                ids.push(id);
            }
        }
        (!ids.is_empty()).then_some(List { ids, place })
    }

    /// Queries a list until each of its ids is settled. Fails only with a permanent error.
    pub(super) async fn query_all(
        &self,
        api: &Api,
        permit: Option<Permit<'_>>,
        list: List<'_>,
    ) -> Result<(), CallError> {
        let List { ids, place } = list;
        let failed = self.query(api, permit, ids).await?;
        drop(place);
        let mut suspects: FuturesUnordered<_> = [self.bisect(api, failed)].into_iter().collect();
        while let Some(parts) = suspects.next().await {
            suspects.extend(parts?.into_iter().map(|ids| self.bisect(api, ids)));
        }
        Ok(())
    }

    fn enqueue(&self, id: i64, waiter: Option<oneshot::Sender<Option<D::Name>>>) {
        let queue = &mut *self.queue();
        let is_new = !queue.waiters.contains_key(&id);
        let is_awaited = waiter.is_some();
        queue.waiters.entry(id).or_default().extend(waiter);
        if is_awaited && (queue.unawaited.remove(&id) || is_new) {
            queue.awaited.insert(id);
            self.wake.event.notify_one();
        } else if is_new {
            queue.unawaited.insert(id);
            self.wake.background.notify_one();
        }
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
        if self.persist {
            let mut changed = lock(&self.changed);
            if changed.len() < MOST_CHANGED {
                changed.insert(id);
            }
        }
        for waiter in self.queue().waiters.remove(&id).into_iter().flatten() {
            // A batch that no longer waits has been dropped.
            let _ = waiter.send(name.cloned());
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<D::Name>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
