//! Looking ids up in one directory: cached, each id asked for once, in as few calls as VK allows.

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, oneshot};

use super::{
    cache::{Cache, Held},
    config::Ttls,
    directory::Directory,
};
use crate::{
    backoff::Backoff,
    metrics::{CacheLabels, CacheResult, Lookups},
    ops::health::Health,
    outage::Outage,
    vk::{Api, CallError, Class, Turn},
};

/// Calls of one directory under way at once.
const CALLS_AT_ONCE: usize = 4;

/// The look-ups of one directory.
pub(super) struct Lookup<D: Directory> {
    cache: Cache<D::Name>,
    wanted: Mutex<Wanted<D::Name>>,
    wake: Notify,
    health: Arc<Health>,
    hits: Counter,
    stale: Counter,
    misses: Counter,
    outage: Mutex<Outage>,
}

/// Ids that VK is to be asked for, or is being asked for.
struct Wanted<N> {
    queue: BTreeSet<i64>,
    waiting: HashMap<i64, Vec<oneshot::Sender<Option<N>>>>,
}

/// Names taken from the cache, and those still to come.
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
    pub(super) fn new(capacity: u64, ttls: Ttls, health: Arc<Health>, metrics: &Lookups) -> Self {
        let wanted = Wanted { queue: BTreeSet::new(), waiting: HashMap::new() };
        let count = |result| {
            metrics.cache_lookups.get_or_create_owned(&CacheLabels { cache: D::CACHE, result })
        };
        Self {
            cache: Cache::new(capacity, ttls),
            wanted: Mutex::new(wanted),
            wake: Notify::new(),
            health,
            hits: count(CacheResult::Hit),
            stale: count(CacheResult::Stale),
            misses: count(CacheResult::Miss),
            outage: Mutex::default(),
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
        let mut calls = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(result) = calls.next(), if !calls.is_empty() => {
                    if let Err(refusal) = result {
                        return refusal;
                    }
                }
                turn = self.turn(api), if calls.len() < CALLS_AT_ONCE => {
                    let ids = self.take();
                    if !ids.is_empty() {
                        calls.push(self.ask(api, turn, ids));
                    }
                }
            }
        }
    }

    /// Waits for something wanted and then for the right to call: what is wanted meanwhile joins.
    async fn turn<'a>(&self, api: &'a Api) -> Turn<'a> {
        while self.wanted().queue.is_empty() {
            self.wake.notified().await;
        }
        api.turn(D::METHOD).await
    }

    fn take(&self) -> Vec<i64> {
        let queue = &mut self.wanted().queue;
        let ids: Vec<i64> = queue.iter().copied().take(D::IDS_A_CALL).collect();
        for id in &ids {
            queue.remove(id);
        }
        ids
    }

    /// Asks for `ids` until VK answers. Where VK refuses them together, the halves are asked for.
    fn ask<'a>(
        &'a self,
        api: &'a Api,
        mut turn: Turn<'a>,
        ids: Vec<i64>,
    ) -> Pin<Box<dyn Future<Output = Result<(), CallError>> + Send + 'a>> {
        Box::pin(async move {
            let mut backoff = Backoff::network();
            loop {
                let error = match D::ask(turn, &ids).await {
                    Ok(names) => {
                        self.health.ok(D::DEPENDENCY);
                        self.is_over();
                        for id in ids {
                            self.answer(id, names.get(&id));
                        }
                        return Ok(());
                    }
                    Err(error) => error,
                };
                if error.wants_fewer_ids() && ids.len() > 1 {
                    let (left, right) = ids.split_at(ids.len() / 2);
                    self.ask(api, api.turn(D::METHOD).await, left.to_vec()).await?;
                    return self.ask(api, api.turn(D::METHOD).await, right.to_vec()).await;
                }
                match error.class() {
                    Class::Fatal => return Err(error),
                    Class::Skip => {
                        for id in ids {
                            self.answer(id, None);
                        }
                        return Ok(());
                    }
                    class @ (Class::Retry | Class::BackOff) => {
                        self.health.no_answer(D::DEPENDENCY, error.reached(), &error);
                        let pause = backoff.fail();
                        self.complain(&error, &ids);
                        if class == Class::Retry {
                            tokio::time::sleep(pause).await;
                        }
                    }
                }
                turn = api.turn(D::METHOD).await;
            }
        })
    }

    fn is_over(&self) {
        let over = self.outage.lock().unwrap_or_else(PoisonError::into_inner).end();
        if let Some(over) = over {
            tracing::info!(method = %D::METHOD, "names can be looked up again, {over}");
        }
    }

    fn complain(&self, error: &CallError, ids: &[i64]) {
        let failures = {
            let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
            outage.fail();
            if !outage.is_loud() {
                return;
            }
            outage.failures()
        };
        let wanted = self.wanted();
        let held_up =
            ids.iter().filter(|id| wanted.waiting.get(id).is_some_and(|who| !who.is_empty()));
        let (ids, never_seen) = (ids.len(), held_up.count());
        drop(wanted);
        tracing::warn!(
            %error, failures, method = %D::METHOD, ids, never_seen,
            "names cannot be looked up now; events of ids never seen before wait for VK"
        );
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

    /// VK's answer for an id; without effect when the name was learnt while the call ran.
    fn answer(&self, id: i64, name: Option<&D::Name>) {
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
