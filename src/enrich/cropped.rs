//! Looks up messages that VK cropped in its updates. If VK does not answer in time, an event has what its update
//! contains.
//!
//! A [circuit breaker](https://martinfowler.com/bliki/CircuitBreaker.html) keeps an outage from delaying every
//! batch by the deadline: while it is open, batches do not wait, and one probe at a time goes to VK.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use prometheus_client::metrics::counter::Counter;
use serde_json::value::RawValue;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    busy::{Busy, Place, Wake},
    query::lock,
    token_check::TokenChecks,
};
use crate::{
    converter::MessagePlace,
    ops::{
        dependency::{Cause, Dependency},
        health::Health,
        retry::{Backoff, Outage},
    },
    vk::{Api, CallError, ErrorClass, MESSAGES_A_CALL, MessageList, Method, Permit},
};

/// How long a batch waits for its cropped messages, however many calls that takes. Far less than the time
/// after which work counts as stalled.
const DEADLINE: Duration = Duration::from_secs(12);
/// After so long without an answer the dependency counts as failing.
const OVERDUE: Duration = Duration::from_secs(5);
/// How often a call is tried: a cropped message is better than one that is never delivered.
const TRIES: u32 = 4;
/// The most bytes of cropped messages that a batch receives; the messages beyond that stay as the updates
/// have them. A message of VK's takes some kilobytes.
const BYTES_A_BATCH: usize = 4 << 20;
/// Concurrent lists of conversations.
const CONCURRENT_CALLS: usize = 4;

/// Looks up cropped messages.
pub(super) struct Cropped {
    queue: Mutex<BTreeMap<MessagePlace, Vec<Waiter>>>,
    wake: Arc<Wake>,
    calls: Busy,
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

/// The messages of a call, by conversation.
pub(super) struct Conversations<'a> {
    wanted: Vec<(i64, Waiters)>,
    started: Instant,
    place: Place<'a>,
}

impl Conversations<'_> {
    /// Each conversation with its message numbers.
    pub(super) fn places(&self) -> Vec<(i64, Vec<i64>)> {
        let places = self.wanted.iter();
        places.map(|(peer_id, waiters)| (*peer_id, waiters.keys().copied().collect())).collect()
    }
}

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
    pub(super) fn new(health: Arc<Health>, incomplete: Counter, wake: Arc<Wake>) -> Self {
        Self {
            queue: Mutex::default(),
            calls: Busy::new(CONCURRENT_CALLS, wake.clone()),
            wake,
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
        self.wake.event.notify_one();
        if is_open {
            pending.incomplete.inc_by(messages.len() as u64);
        } else {
            pending.messages = messages;
        }
        pending
    }

    /// The number of conversations to query now, at most 2. While VK pauses the method, which takes minutes, batches
    /// go on without their messages.
    pub(super) fn wanted(&self, api: &Api) -> usize {
        let mut queue = self.queue();
        if api.is_throttled(Method::Messages) {
            queue.clear();
        }
        match (queue.first_key_value(), queue.last_key_value()) {
            (Some(((first, _), _)), Some(((last, _), _))) if self.calls.is_free() => {
                1 + usize::from(first != last)
            }
            _ => 0,
        }
    }

    /// The messages of the next call, of at most so many conversations. Drops those whose deadline is over.
    pub(super) fn dequeue(&self, most_conversations: usize) -> Option<Conversations<'_>> {
        let place = self.calls.enter()?;
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
        let wanted = Vec::from_iter(taken);
        (!wanted.is_empty()).then_some(Conversations { wanted, started: now, place })
    }

    /// Sends VK's replies to the batches that wait. Keeps the conversations without a reply.
    pub(super) fn answered(
        &self,
        conversations: &mut Conversations<'_>,
        replies: Vec<Option<MessageList>>,
    ) {
        let wanted = std::mem::take(&mut conversations.wanted);
        for ((peer_id, waiters), reply) in wanted.into_iter().zip(replies) {
            match reply {
                Some(messages) => {
                    self.succeeded();
                    send(waiters, messages);
                }
                None => conversations.wanted.push((peer_id, waiters)),
            }
        }
    }

    /// Queries conversations one by one until VK returns their messages, or until the latest deadline of those that
    /// wait. Fails only if VK rejects the token.
    pub(super) async fn query(
        &self,
        api: &Api,
        permit: Option<Permit<'_>>,
        conversations: Conversations<'_>,
    ) -> Result<(), CallError> {
        let Conversations { wanted, started, place } = conversations;
        let result = self.query_until_deadline(api, permit, wanted, started).await;
        drop(place);
        if self.calls.is_idle() && self.queue().is_empty() {
            self.health.not_needed(Dependency::Messages);
        }
        result
    }

    async fn query_until_deadline(
        &self,
        api: &Api,
        permit: Option<Permit<'_>>,
        wanted: Vec<(i64, Waiters)>,
        started: Instant,
    ) -> Result<(), CallError> {
        let waiters = wanted.iter().flat_map(|(_, waiters)| waiters.values()).flatten();
        let Some(deadline) = waiters.map(|waiter| waiter.deadline).max() else { return Ok(()) };
        let messages = wanted.iter().map(|(_, waiters)| waiters.len()).sum();
        let mut answers = std::pin::pin!(self.query_each(api, permit, wanted));
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

    async fn query_each(
        &self,
        api: &Api,
        mut permit: Option<Permit<'_>>,
        wanted: Vec<(i64, Waiters)>,
    ) -> Result<(), CallError> {
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
