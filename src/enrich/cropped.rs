//! Looks up messages that VK cropped in its updates, those of several conversations in one call. If VK does
//! not answer in time, an event has what its update contains.
//!
//! A [circuit breaker](https://martinfowler.com/bliki/CircuitBreaker.html) keeps an outage from delaying every
//! batch by the deadline: while it is open, batches do not wait, and one probe at a time goes to VK.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use prometheus_client::metrics::counter::Counter;
use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout, timeout_at},
};

use super::{query::lock, token_check::TokenChecks};
use crate::{
    converter::MessagePlace,
    ops::{
        dependency::{Cause, Dependency},
        health::Health,
        retry::{Backoff, Outage},
    },
    vk::{Api, CALLS_AN_EXECUTE, CallError, ErrorClass, MESSAGES_A_CALL, Method, Permit},
};

/// How long a batch waits for its cropped messages, however many calls that takes. Far less than the time
/// after which work counts as stalled.
const DEADLINE: Duration = Duration::from_secs(12);
/// After so long without an answer the dependency counts as failing, and the conversations of a call are
/// queried one by one.
const OVERDUE: Duration = Duration::from_secs(5);
/// How often a call is tried: a cropped message is better than one that is never delivered.
const TRIES: u32 = 4;
/// The most bytes of cropped messages that a batch receives; the messages beyond that stay as the updates
/// have them. A message of VK's takes some kilobytes.
const BYTES_A_BATCH: usize = 4 << 20;
/// Concurrent calls.
const CONCURRENT_CALLS: usize = 4;

/// Looks up cropped messages.
pub(super) struct Cropped {
    queue: Mutex<BTreeMap<MessagePlace, Vec<Waiter>>>,
    wake: Notify,
    /// VK does not accept several conversations in one call.
    no_execute: AtomicBool,
    health: Arc<Health>,
    incomplete: Counter,
    breaker: Mutex<Breaker>,
}

/// Opens when messages fail while VK returns no others; any answer with messages closes it.
struct Breaker {
    /// Calls without messages.
    outage: Outage,
    /// When VK last returned messages.
    succeeded: Option<Instant>,
    /// While open: when the next probe starts.
    probe_at: Option<Instant>,
    pauses: Backoff,
}

/// A batch that waits for a message.
struct Waiter {
    sender: oneshot::Sender<Box<RawValue>>,
    deadline: Instant,
}

/// The batches that wait for the messages of a conversation, by message number.
type Waiters = BTreeMap<i64, Vec<Waiter>>;

/// The messages of a batch that are being looked up.
pub(super) struct Pending {
    messages: Vec<(MessagePlace, oneshot::Receiver<Box<RawValue>>)>,
    deadline: Instant,
    incomplete: Counter,
}

impl Pending {
    /// Waits for the messages. Those that VK does not return in time, or that exceed
    /// [`BYTES_A_BATCH`], are absent.
    pub(super) async fn finish(self) -> HashMap<MessagePlace, Box<RawValue>> {
        let Self { messages, deadline, incomplete } = self;
        let wanted = messages.len();
        let mut messages: FuturesUnordered<_> = messages
            .into_iter()
            .map(async |(place, message)| {
                Some((place, timeout_at(deadline, message).await.ok()?.ok()?))
            })
            .collect();
        let (mut found, mut bytes_left) = (HashMap::new(), BYTES_A_BATCH);
        while let Some(answer) = messages.next().await {
            let Some((place, message)) = answer else { continue };
            if let Some(left) = bytes_left.checked_sub(message.get().len()) {
                bytes_left = left;
                found.insert(place, message);
            }
        }
        incomplete.inc_by((wanted - found.len()) as u64);
        found
    }
}

impl Cropped {
    pub(super) fn new(health: Arc<Health>, incomplete: Counter) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Notify::new(),
            no_execute: AtomicBool::new(false),
            health,
            incomplete,
            breaker: Mutex::new(Breaker {
                outage: Outage::default(),
                succeeded: None,
                probe_at: None,
                pauses: Backoff::network(),
            }),
        }
    }

    /// Enqueues messages. While the circuit breaker is open, the batch does not wait for them.
    pub(super) fn start(&self, places: BTreeSet<MessagePlace>) -> Pending {
        let now = Instant::now();
        let deadline = now + DEADLINE;
        let incomplete = self.incomplete.clone();
        let mut pending = Pending { messages: Vec::new(), deadline, incomplete };
        if places.is_empty() {
            return pending;
        }
        let is_open = {
            let mut breaker = lock(&self.breaker);
            match breaker.probe_at {
                Some(probe_at) if now < probe_at => {
                    pending.incomplete.inc_by(places.len() as u64);
                    return pending;
                }
                // This probe ends within the deadline.
                Some(_) => breaker.probe_at.replace(deadline).is_some(),
                None => false,
            }
        };
        let mut queue = self.queue();
        let enqueue = |place| {
            let (sender, message) = oneshot::channel();
            queue.entry(place).or_default().push(Waiter { sender, deadline });
            (place, message)
        };
        let messages: Vec<_> = places.into_iter().map(enqueue).collect();
        self.wake.notify_one();
        if is_open {
            pending.incomplete.inc_by(messages.len() as u64);
        } else {
            pending.messages = messages;
        }
        pending
    }

    /// Queries VK for as long as it is polled; ends only when VK rejects the token.
    pub(super) async fn run(&self, api: &Api) -> CallError {
        let mut calls = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(result) = calls.next(), if !calls.is_empty() => {
                    if let Err(error) = result {
                        return error;
                    }
                    if calls.is_empty() && self.queue().is_empty() {
                        self.health.not_needed(Dependency::Messages);
                    }
                }
                permit = self.permit(api), if calls.len() < CONCURRENT_CALLS => match permit {
                    Some(permit) => calls.push(self.query(api, permit, self.dequeue(api))),
                    // The pause takes minutes: batches go on without these messages.
                    None => self.queue().clear(),
                }
            }
        }
    }

    /// Waits for a message, then for the rate limit: messages enqueued meanwhile go into the same call. `None`
    /// while the method is throttled.
    async fn permit<'a>(&self, api: &'a Api) -> Option<Permit<'a>> {
        while self.queue().is_empty() {
            self.wake.notified().await;
        }
        api.permit_unless_throttled(Method::Messages).await
    }

    /// The messages of the next call, by conversation. Drops those whose deadline is over.
    fn dequeue(&self, api: &Api) -> BTreeMap<i64, Waiters> {
        let no_execute =
            self.no_execute.load(Ordering::Relaxed) || api.is_throttled(Method::Execute);
        let most_conversations = if no_execute { 1 } else { CALLS_AN_EXECUTE };
        let now = Instant::now();
        let mut queue = self.queue();
        queue.retain(|_, waiters| waiters.iter().any(|waiter| waiter.deadline > now));
        let mut taken: BTreeMap<i64, Waiters> = BTreeMap::new();
        for _ in 0..MESSAGES_A_CALL {
            let Some(next) = queue.first_entry() else { break };
            let (peer_id, cmid) = *next.key();
            if !taken.contains_key(&peer_id) && taken.len() == most_conversations {
                break;
            }
            taken.entry(peer_id).or_default().insert(cmid, next.remove());
        }
        taken
    }

    /// Queries messages until VK returns them, or until the latest deadline of those that wait.
    async fn query(
        &self,
        api: &Api,
        permit: Permit<'_>,
        wanted: BTreeMap<i64, Waiters>,
    ) -> Result<(), CallError> {
        let waiters = wanted.values().flat_map(BTreeMap::values).flatten();
        let Some(deadline) = waiters.map(|waiter| waiter.deadline).max() else { return Ok(()) };
        let started = Instant::now();
        let messages = wanted.values().map(BTreeMap::len).sum();
        let mut answers = std::pin::pin!(self.query_all(api, permit, wanted));
        if let Ok(result) = timeout_at(started + OVERDUE, &mut answers).await {
            return result;
        }
        let reason = format!("no answer for {} s", OVERDUE.as_secs());
        self.health.failing_since(Dependency::Messages, Cause::Unreachable, started, reason);
        timeout_at(deadline, answers).await.unwrap_or_else(|_| {
            let reason = format!("no answer for {} s", started.elapsed().as_secs());
            self.failed(&reason, messages);
            self.open(started);
            Ok(())
        })
    }

    async fn query_all(
        &self,
        api: &Api,
        permit: Permit<'_>,
        wanted: BTreeMap<i64, Waiters>,
    ) -> Result<(), CallError> {
        let mut permit = Some(permit);
        let mut wanted = Vec::from_iter(wanted);
        if wanted.len() > 1
            && let Some(permit) = permit.take()
        {
            wanted = self.query_together(permit, wanted).await;
        }
        // Concurrently: a call that hangs does not delay the others.
        let alone = wanted.into_iter().map(|(peer_id, waiters)| {
            let permit = permit.take();
            async move {
                let cmids: Vec<_> = waiters.keys().copied().collect();
                send(waiters, self.query_conversation(api, permit, peer_id, &cmids).await?);
                Ok(())
            }
        });
        join_all(alone).await.into_iter().collect()
    }

    /// Queries several conversations in one call. Returns those to query one by one.
    async fn query_together(
        &self,
        permit: Permit<'_>,
        wanted: Vec<(i64, Waiters)>,
    ) -> Vec<(i64, Waiters)> {
        let places: Vec<_> = wanted
            .iter()
            .map(|(peer_id, waiters)| (*peer_id, waiters.keys().copied().collect()))
            .collect();
        let answer = timeout(OVERDUE, permit.messages_of_several(&places)).await;
        match answer {
            Ok(Ok(replies)) => {
                let mut rest = Vec::new();
                for ((peer_id, waiters), messages) in wanted.into_iter().zip(replies) {
                    match messages {
                        Some(messages) => {
                            self.succeeded();
                            send(waiters, messages);
                        }
                        None => rest.push((peer_id, waiters)),
                    }
                }
                rest
            }
            // A timeout does not show that VK rejects `execute`: the next messages are queried together again.
            Err(_) => wanted,
            Ok(Err(error)) => {
                tracing::debug!(%error, "cropped messages are queried one conversation at a time");
                if error.class() == ErrorClass::Permanent {
                    self.no_execute.store(true, Ordering::Relaxed);
                }
                wanted
            }
        }
    }

    /// The messages of one conversation; none if VK does not return them after some tries. Fails only if VK
    /// rejects the token.
    async fn query_conversation<'a>(
        &self,
        api: &'a Api,
        mut permit: Option<Permit<'a>>,
        peer_id: i64,
        cmids: &[i64],
    ) -> Result<Vec<(i64, Box<RawValue>)>, CallError> {
        let started = Instant::now();
        let mut backoff = Backoff::network();
        let mut checks = TokenChecks::default();
        loop {
            let now = match permit.take() {
                Some(permit) => Some(permit),
                None => api.permit_unless_throttled(Method::Messages).await,
            };
            let Some(now) = now else { break };
            let error = match now.messages(peer_id, cmids).await {
                Ok(messages) => {
                    self.succeeded();
                    return Ok(messages);
                }
                Err(error) => error,
            };
            let pause = backoff.fail();
            if error.class() != ErrorClass::Skip {
                self.health.no_answer(Dependency::Messages, error.reached(), &error);
            }
            checks.check(api, &error).await?;
            match error.class() {
                ErrorClass::Throttled => {}
                ErrorClass::Transient | ErrorClass::Permanent if backoff.failures() < TRIES => {
                    tokio::time::sleep(pause).await;
                }
                class @ (ErrorClass::Transient | ErrorClass::Permanent | ErrorClass::Skip) => {
                    self.failed(&error, cmids.len());
                    if class != ErrorClass::Skip {
                        self.open(started);
                    }
                    break;
                }
            }
        }
        Ok(Vec::new())
    }

    fn succeeded(&self) {
        let mut breaker = lock(&self.breaker);
        breaker.outage.end();
        breaker.succeeded = Some(Instant::now());
        breaker.probe_at = None;
        breaker.pauses.reset();
        self.health.ok(Dependency::Messages);
    }

    fn failed(&self, error: &dyn std::fmt::Display, messages: usize) {
        if let Some(failures) = lock(&self.breaker).outage.fail() {
            tracing::warn!(
                %error, failures, messages,
                "VK does not complete cropped messages; the events have what it sent"
            );
        }
    }

    /// Opens the circuit breaker, unless VK has returned messages since the failed call was `started`. Batches
    /// that wait for a message without a call go on.
    fn open(&self, started: Instant) {
        let mut breaker = lock(&self.breaker);
        if breaker.succeeded.is_none_or(|at| at < started) {
            breaker.probe_at = Some(Instant::now() + breaker.pauses.fail());
            self.queue().clear();
        }
    }

    fn queue(&self) -> MutexGuard<'_, BTreeMap<MessagePlace, Vec<Waiter>>> {
        lock(&self.queue)
    }
}

fn send(mut waiters: Waiters, messages: Vec<(i64, Box<RawValue>)>) {
    for (cmid, message) in messages {
        for waiter in waiters.remove(&cmid).into_iter().flatten() {
            // A batch that no longer waits has been dropped, or its deadline is over.
            let _ = waiter.sender.send(message.clone());
        }
    }
}
