//! Looking ids up in one directory: cached, each id asked for once, in as few calls as VK allows.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, oneshot};

use super::{
    asking::State,
    cache::{Cache, Held},
    config::{Ttls, Unresolved},
    directory::Directory,
};
use crate::{
    ops::{
        health::Health,
        metrics::{CacheLabels, CacheResult, DirectoryLabels, Enrichment},
    },
    vk::{Api, CallError, Permit},
};

/// Lists of one directory that are asked for at once, or are to be asked for again.
const LISTS_AT_ONCE: usize = 4;

/// The look-ups of one directory.
pub(super) struct Lookup<D: Directory> {
    cache: Cache<D::Name>,
    wanted: Mutex<Wanted<D::Name>>,
    wake: Notify,
    pub(super) policy: Policy,
    pub(super) health: Arc<Health>,
    hits: Counter,
    stale: Counter,
    misses: Counter,
    pub(super) unresolved: Counter,
    pub(super) state: State,
}

/// What happens to an id whose look-up keeps failing when it is asked for alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) unresolved: Unresolved,
    pub(super) after: Duration,
}

/// Ids that VK is to be asked for, or is being asked for.
struct Wanted<N> {
    queue: BTreeSet<i64>,
    waiting: HashMap<i64, Vec<oneshot::Sender<Option<N>>>>,
}

/// Enricher taken from the cache, and those still to come.
pub(super) struct Pending<N> {
    here: HashMap<i64, N>,
    coming: Vec<(i64, oneshot::Receiver<Option<N>>)>,
}

impl<N> Pending<N> {
    /// All names, once VK has told them. What VK does not know is left out.
    pub(super) async fn all(self) -> HashMap<i64, N> {
        let Self { mut here, coming } = self;
        let coming = coming.into_iter().map(async |(id, answer)| Some((id, answer.await.ok()??)));
        here.extend(join_all(coming).await.into_iter().flatten());
        here
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
        let wanted = Wanted { queue: BTreeSet::new(), waiting: HashMap::new() };
        let count = |result| {
            metrics.cache_lookups.get_or_create_owned(&CacheLabels { cache: D::CACHE, result })
        };
        Self {
            cache: Cache::new(capacity, ttls),
            wanted: Mutex::new(wanted),
            wake: Notify::new(),
            policy,
            health,
            hits: count(CacheResult::Hit),
            stale: count(CacheResult::Stale),
            misses: count(CacheResult::Miss),
            unresolved: metrics
                .names_unresolved
                .get_or_create_owned(&DirectoryLabels { cache: D::CACHE }),
            state: State::default(),
        }
    }

    /// Takes what is known of `ids` now and has the rest asked for.
    pub(super) fn begin(&self, ids: &BTreeSet<i64>) -> Pending<D::Name> {
        let mut pending = Pending { here: HashMap::with_capacity(ids.len()), coming: Vec::new() };
        let (mut stale, mut missing) = (0, 0);
        for &id in ids {
            let name = match self.cache.get(id) {
                Held::Fresh(name) => name,
                Held::Stale(name) => {
                    stale += 1;
                    self.want(id, None);
                    name
                }
                Held::Nothing => {
                    missing += 1;
                    let (sender, receiver) = oneshot::channel();
                    self.want(id, Some(sender));
                    pending.coming.push((id, receiver));
                    None
                }
            };
            if let Some(name) = name {
                pending.here.insert(id, name);
            }
        }
        self.hits.inc_by(ids.len() as u64 - stale - missing);
        self.stale.inc_by(stale);
        self.misses.inc_by(missing);
        pending
    }

    /// A name learnt otherwise; who waits for it gets it, and a call under way does not undo it.
    pub(super) fn learn(&self, id: i64, name: &D::Name) {
        self.wanted().queue.remove(&id);
        self.settle(id, Some(name));
    }

    /// Asks VK for what is wanted, for as long as it is polled; ends only when VK refuses for good.
    pub(super) async fn serve(&self, api: &Api) -> CallError {
        let mut lists = FuturesUnordered::new();
        let mut suspects = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(rest) = lists.next(), if !lists.is_empty() => match rest {
                    Ok(rest) => suspects.push(self.isolate(api, rest)),
                    Err(refusal) => return refusal,
                },
                Some(parts) = suspects.next(), if !suspects.is_empty() => match parts {
                    Ok(parts) => suspects.extend(parts.into_iter().map(|ids| self.isolate(api, ids))),
                    Err(refusal) => return refusal,
                },
                permit = self.permit(api), if lists.len() < LISTS_AT_ONCE => {
                    let ids = self.take();
                    if !ids.is_empty() {
                        lists.push(self.ask(api, permit, ids));
                    }
                }
            }
        }
    }

    /// Waits for something wanted and then for the right to call: what is wanted meanwhile joins.
    async fn permit<'a>(&self, api: &'a Api) -> Permit<'a> {
        while self.wanted().queue.is_empty() {
            self.wake.notified().await;
        }
        api.permit(D::METHOD).await
    }

    fn take(&self) -> Vec<i64> {
        let queue = &mut self.wanted().queue;
        let ids: Vec<i64> = queue.iter().copied().take(D::IDS_A_CALL).collect();
        for id in &ids {
            queue.remove(id);
        }
        ids
    }

    fn want(&self, id: i64, who: Option<oneshot::Sender<Option<D::Name>>>) {
        let wanted = &mut *self.wanted();
        let waiting = wanted.waiting.entry(id).or_insert_with(|| {
            wanted.queue.insert(id);
            self.wake.notify_one();
            Vec::new()
        });
        waiting.extend(who);
    }

    /// Leaves out the ids whose name was learnt meanwhile.
    pub(super) fn retain_wanted(&self, ids: &mut Vec<i64>) {
        let wanted = self.wanted();
        ids.retain(|id| wanted.waiting.contains_key(id));
    }

    /// How many of `ids` events wait for; the others are only to be renewed.
    pub(super) fn waited_for(&self, ids: &[i64]) -> usize {
        let wanted = self.wanted();
        ids.iter().filter(|id| wanted.waiting.get(id).is_some_and(|who| !who.is_empty())).count()
    }

    /// Stops asking for an id: who waits for it goes without.
    pub(super) fn give_up(&self, id: i64) {
        self.cache.keep(id);
        // Who waits is told by the channel's end.
        self.wanted().waiting.remove(&id);
    }

    /// VK's answer for an id; without effect when the name was learnt while the call ran.
    pub(super) fn answer(&self, id: i64, name: Option<&D::Name>) {
        if self.wanted().waiting.contains_key(&id) {
            self.settle(id, name);
        }
    }

    fn settle(&self, id: i64, name: Option<&D::Name>) {
        self.cache.put(id, name.cloned());
        for waiting in self.wanted().waiting.remove(&id).into_iter().flatten() {
            // Who no longer waits has stopped for a reason of its own.
            let _ = waiting.send(name.cloned());
        }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted<D::Name>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
