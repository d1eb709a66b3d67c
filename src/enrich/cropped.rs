//! Fetching the whole of messages that VK cropped in its updates, those of several conversations in
//! one call. Their events do without where VK does not answer in time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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

use super::{MessagePlace, token::Checks};
use crate::{
    ops::{
        dependency::{Cause, Dependency},
        health::Health,
        retry::{Backoff, Outage},
    },
    vk::{Api, CALLS_AN_EXECUTE, CallError, Class, MESSAGES_A_CALL, Method, Permit},
};

/// How long a batch waits for the whole of its cropped messages, however many calls that takes. Far less
/// than the time after which work counts as stalled.
const DEADLINE: Duration = Duration::from_secs(12);
/// After so long without an answer VK counts as failing, and several conversations are asked for apart.
const OVERDUE: Duration = Duration::from_secs(5);
/// How often a call is tried: a cropped message beats one that is never delivered.
const TRIES: u32 = 4;
/// The bytes of whole messages that a batch takes in: those beyond stay as they came. VK's are some
/// kilobytes.
const BYTES_A_BATCH: usize = 4 << 20;
/// Calls under way at once.
const CALLS_AT_ONCE: usize = 4;

/// The cropped messages whose whole is to be asked for.
pub(super) struct Cropped {
    wanted: Mutex<BTreeMap<MessagePlace, Vec<Asker>>>,
    wake: Notify,
    /// VK does not take several conversations in one call.
    apart: AtomicBool,
    report: Report,
}

/// Who is told of messages that are not completed.
#[derive(Clone)]
struct Report {
    health: Arc<Health>,
    incomplete: Counter,
    /// Calls that VK did not answer with messages.
    refusals: Arc<Mutex<Outage>>,
}

/// Who wants a message, and until when.
struct Asker {
    whole: oneshot::Sender<Option<Box<RawValue>>>,
    until: Instant,
}

/// Who asks for which message of a conversation.
type Askers = BTreeMap<i64, Vec<Asker>>;

/// Whole messages that are being asked for.
pub(super) struct Coming {
    messages: Vec<(MessagePlace, oneshot::Receiver<Option<Box<RawValue>>>)>,
    until: Instant,
    report: Report,
}

impl Coming {
    /// All that VK tells in time, up to [`BYTES_A_BATCH`]. The others are left out: what the update
    /// carries serves then.
    pub(super) async fn all(self) -> HashMap<MessagePlace, Box<RawValue>> {
        let Self { messages, until, report } = self;
        let wanted = messages.len();
        let mut coming: FuturesUnordered<_> = messages
            .into_iter()
            .map(async |(place, whole)| Some((place, timeout_at(until, whole).await.ok()?.ok()??)))
            .collect();
        let (mut whole, mut room) = (HashMap::new(), BYTES_A_BATCH);
        while let Some(told) = coming.next().await {
            let Some((place, message)) = told else { continue };
            if let Some(left) = room.checked_sub(message.get().len()) {
                room = left;
                whole.insert(place, message);
            }
        }
        report.incomplete.inc_by((wanted - whole.len()) as u64);
        whole
    }
}

impl Cropped {
    /// Nothing is wanted yet.
    pub(super) fn new(health: Arc<Health>, incomplete: Counter) -> Self {
        let report = Report { health, incomplete, refusals: Arc::default() };
        let (wanted, wake) = (Mutex::default(), Notify::new());
        Self { wanted, wake, apart: AtomicBool::new(false), report }
    }

    /// Has these messages asked for.
    pub(super) fn begin(&self, places: BTreeSet<MessagePlace>) -> Coming {
        let (until, report) = (Instant::now() + DEADLINE, self.report.clone());
        if places.is_empty() {
            return Coming { messages: Vec::new(), until, report };
        }
        let mut wanted = self.wanted();
        let ask = |place| {
            let (sender, whole) = oneshot::channel();
            wanted.entry(place).or_default().push(Asker { whole: sender, until });
            (place, whole)
        };
        let messages = places.into_iter().map(ask).collect();
        self.wake.notify_one();
        Coming { messages, until, report }
    }

    /// Asks VK for as long as it is polled; ends only when VK rejects the token.
    pub(super) async fn serve(&self, api: &Api) -> CallError {
        let mut calls = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(result) = calls.next(), if !calls.is_empty() => {
                    if let Err(refusal) = result {
                        return refusal;
                    }
                    if calls.is_empty() && self.wanted().is_empty() {
                        self.report.health.not_needed(Dependency::Messages);
                    }
                }
                permit = self.permit(api), if calls.len() < CALLS_AT_ONCE => match permit {
                    Some(permit) => calls.push(self.ask(api, permit, self.take(api))),
                    // To wait for minutes is worse than to do without. Who asked sees it dropped.
                    None => self.wanted().clear(),
                }
            }
        }
    }

    /// Waits for something wanted and then for the right to call: what is wanted meanwhile joins.
    async fn permit<'a>(&self, api: &'a Api) -> Option<Permit<'a>> {
        while self.wanted().is_empty() {
            self.wake.notified().await;
        }
        api.permit_unless_throttled(Method::Messages).await
    }

    /// What goes into one call, by conversation; nothing for which it is too late.
    fn take(&self, api: &Api) -> BTreeMap<i64, Askers> {
        let apart = self.apart.load(Ordering::Relaxed) || api.is_throttled(Method::Execute);
        let most_conversations = if apart { 1 } else { CALLS_AN_EXECUTE };
        let now = Instant::now();
        let mut wanted = self.wanted();
        wanted.retain(|_, askers| askers.iter().any(|asker| asker.until > now));
        let mut taken: BTreeMap<i64, Askers> = BTreeMap::new();
        for _ in 0..MESSAGES_A_CALL {
            let Some(next) = wanted.first_entry() else { break };
            let (peer_id, cmid) = *next.key();
            if !taken.contains_key(&peer_id) && taken.len() == most_conversations {
                break;
            }
            taken.entry(peer_id).or_default().insert(cmid, next.remove());
        }
        taken
    }

    /// Asks for messages until they are there, or until nobody waits for them any more.
    async fn ask(
        &self,
        api: &Api,
        permit: Permit<'_>,
        wanted: BTreeMap<i64, Askers>,
    ) -> Result<(), CallError> {
        let askers = wanted.values().flat_map(BTreeMap::values).flatten();
        let Some(until) = askers.map(|asker| asker.until).max() else { return Ok(()) };
        let asked = Instant::now();
        let messages = wanted.values().map(BTreeMap::len).sum();
        let mut answers = std::pin::pin!(self.ask_all(api, permit, wanted));
        if let Ok(result) = timeout_at(asked + OVERDUE, &mut answers).await {
            return result;
        }
        let reason = format!("no answer for {} s", OVERDUE.as_secs());
        self.report.health.failing_since(Dependency::Messages, Cause::Unreachable, asked, reason);
        timeout_at(until, answers).await.unwrap_or_else(|_| {
            let reason = format!("no answer for {} s", asked.elapsed().as_secs());
            self.not_completed(&reason, messages);
            Ok(())
        })
    }

    async fn ask_all(
        &self,
        api: &Api,
        permit: Permit<'_>,
        wanted: BTreeMap<i64, Askers>,
    ) -> Result<(), CallError> {
        let mut permit = Some(permit);
        let mut wanted = Vec::from_iter(wanted);
        if wanted.len() > 1
            && let Some(permit) = permit.take()
        {
            wanted = self.ask_together(permit, wanted).await;
        }
        // Side by side: one that is not answered costs the others nothing.
        let alone = wanted.into_iter().map(|(peer_id, askers)| {
            let permit = permit.take();
            async move {
                let cmids: Vec<_> = askers.keys().copied().collect();
                tell(askers, self.of_conversation(api, permit, peer_id, &cmids).await?);
                Ok(())
            }
        });
        join_all(alone).await.into_iter().collect()
    }

    /// Asks for several conversations in one call, and returns those that are better asked for apart.
    async fn ask_together(
        &self,
        permit: Permit<'_>,
        wanted: Vec<(i64, Askers)>,
    ) -> Vec<(i64, Askers)> {
        let places: Vec<_> = wanted
            .iter()
            .map(|(peer_id, askers)| (*peer_id, askers.keys().copied().collect()))
            .collect();
        let answer = timeout(OVERDUE, permit.messages_of_several(&places)).await;
        match answer {
            Ok(Ok(told)) => {
                let mut rest = Vec::new();
                for ((peer_id, askers), messages) in wanted.into_iter().zip(told) {
                    match messages {
                        Some(messages) => {
                            self.completed();
                            tell(askers, messages);
                        }
                        None => rest.push((peer_id, askers)),
                    }
                }
                rest
            }
            // What it is asked for next has little time left; the next messages are asked for like this
            // again.
            Err(_) => wanted,
            Ok(Err(error)) => {
                tracing::debug!(%error, "cropped messages are asked for one conversation at a time");
                if error.class() == Class::Permanent {
                    self.apart.store(true, Ordering::Relaxed);
                }
                wanted
            }
        }
    }

    /// The messages of one conversation; none where VK does not tell them after some tries. Fails where
    /// VK rejects the token.
    async fn of_conversation<'a>(
        &self,
        api: &'a Api,
        mut permit: Option<Permit<'a>>,
        peer_id: i64,
        cmids: &[i64],
    ) -> Result<Vec<(i64, Box<RawValue>)>, CallError> {
        let mut backoff = Backoff::network();
        let mut checks = Checks::default();
        loop {
            let now = match permit.take() {
                Some(permit) => Some(permit),
                None => api.permit_unless_throttled(Method::Messages).await,
            };
            let Some(now) = now else { break };
            let error = match now.messages(peer_id, cmids).await {
                Ok(messages) => {
                    self.completed();
                    return Ok(messages);
                }
                Err(error) => error,
            };
            let pause = backoff.fail();
            if error.class() != Class::Skip {
                self.report.health.no_answer(Dependency::Messages, error.reached(), &error);
            }
            checks.check(api, &error).await?;
            match error.class() {
                Class::Throttled => {}
                Class::Transient | Class::Permanent if backoff.failures() < TRIES => {
                    tokio::time::sleep(pause).await;
                }
                Class::Transient | Class::Permanent | Class::Skip => {
                    self.not_completed(&error, cmids.len());
                    break;
                }
            }
        }
        Ok(Vec::new())
    }

    fn completed(&self) {
        self.refusals().end();
        self.report.health.ok(Dependency::Messages);
    }

    fn not_completed(&self, error: &dyn std::fmt::Display, messages: usize) {
        let mut refusals = self.refusals();
        refusals.fail();
        if refusals.is_loud() {
            let failures = refusals.failures();
            tracing::warn!(
                %error, failures, messages,
                "VK does not complete cropped messages; the events have what it sent"
            );
        }
    }

    fn refusals(&self) -> MutexGuard<'_, Outage> {
        self.report.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeMap<MessagePlace, Vec<Asker>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(mut askers: Askers, messages: Vec<(i64, Box<RawValue>)>) {
    for (cmid, message) in messages {
        for asker in askers.remove(&cmid).into_iter().flatten() {
            // Who no longer waits has stopped for a reason of its own.
            let _ = asker.whole.send(Some(message.clone()));
        }
    }
}
