//! Fetching the whole of messages that VK cropped in its updates, those of several conversations in
//! one call.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};

use super::MessagePlace;
use crate::{
    backoff::Backoff,
    outage::Outage,
    vk::{Api, CONVERSATIONS_A_CALL, CallError, Class, MESSAGES_A_CALL, Method, Turn},
};

/// How often a call is tried: a cropped message beats one that is never delivered.
const TRIES: u32 = 4;
/// Calls under way at once.
const CALLS_AT_ONCE: usize = 4;

/// The cropped messages whose whole is to be asked for.
#[derive(Default)]
pub(super) struct Cropped {
    wanted: Mutex<BTreeMap<MessagePlace, Vec<Asker>>>,
    wake: Notify,
    /// VK does not take several conversations in one call.
    apart: AtomicBool,
    /// Calls that VK did not answer with messages.
    refusals: Mutex<Outage>,
}

type Asker = oneshot::Sender<Option<Box<RawValue>>>;
/// Who asks for which message of a conversation.
type Askers = BTreeMap<i64, Vec<Asker>>;

/// Whole messages that are being asked for.
pub(super) struct Coming(Vec<(MessagePlace, oneshot::Receiver<Option<Box<RawValue>>>)>);

impl Coming {
    /// All that VK tells. Those that it does not, or not now, are left out: what the update carries
    /// serves then.
    pub(super) async fn all(self) -> HashMap<MessagePlace, Box<RawValue>> {
        let coming =
            self.0.into_iter().map(async |(place, whole)| Some((place, whole.await.ok()??)));
        join_all(coming).await.into_iter().flatten().collect()
    }
}

impl Cropped {
    /// Has these messages asked for.
    pub(super) fn begin(&self, places: BTreeSet<MessagePlace>) -> Coming {
        if places.is_empty() {
            return Coming(Vec::new());
        }
        let mut wanted = self.wanted();
        let ask = |place| {
            let (asker, whole) = oneshot::channel();
            wanted.entry(place).or_default().push(asker);
            (place, whole)
        };
        let coming = places.into_iter().map(ask).collect();
        self.wake.notify_one();
        Coming(coming)
    }

    /// Asks VK for as long as it is polled; ends only when VK refuses for good.
    pub(super) async fn serve(&self, api: &Api) -> CallError {
        let mut calls = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(result) = calls.next(), if !calls.is_empty() => {
                    if let Err(refusal) = result {
                        return refusal;
                    }
                }
                turn = self.turn(api), if calls.len() < CALLS_AT_ONCE => match turn {
                    Some(turn) => calls.push(self.ask(api, turn, self.take(api))),
                    // To wait for minutes is worse than to do without. Who asked sees it dropped.
                    None => self.wanted().clear(),
                }
            }
        }
    }

    /// Waits for something wanted and then for the right to call: what is wanted meanwhile joins.
    async fn turn<'a>(&self, api: &'a Api) -> Option<Turn<'a>> {
        while self.wanted().is_empty() {
            self.wake.notified().await;
        }
        api.turn_unless_it_rests(Method::Messages).await
    }

    /// What goes into one call, by conversation.
    fn take(&self, api: &Api) -> BTreeMap<i64, Askers> {
        let apart = self.apart.load(Ordering::Relaxed) || api.rests(Method::Execute);
        let most_conversations = if apart { 1 } else { CONVERSATIONS_A_CALL };
        let mut wanted = self.wanted();
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

    async fn ask(
        &self,
        api: &Api,
        turn: Turn<'_>,
        wanted: BTreeMap<i64, Askers>,
    ) -> Result<(), CallError> {
        let mut turn = Some(turn);
        let mut wanted = Vec::from_iter(wanted);
        if wanted.len() > 1
            && let Some(turn) = turn.take()
        {
            wanted = self.ask_together(turn, wanted).await;
        }
        for (peer_id, askers) in wanted {
            let cmids: Vec<_> = askers.keys().copied().collect();
            tell(askers, self.of_conversation(api, turn.take(), peer_id, &cmids).await?);
        }
        Ok(())
    }

    /// Asks for several conversations in one call, and returns those that are better asked for apart.
    async fn ask_together(&self, turn: Turn<'_>, wanted: Vec<(i64, Askers)>) -> Vec<(i64, Askers)> {
        let places: Vec<_> = wanted
            .iter()
            .map(|(peer_id, askers)| (*peer_id, askers.keys().copied().collect()))
            .collect();
        match turn.messages_of_several(&places).await {
            Ok(told) => {
                let mut rest = Vec::new();
                for ((peer_id, askers), messages) in wanted.into_iter().zip(told) {
                    match messages {
                        Some(messages) => {
                            self.refusals().end();
                            tell(askers, messages);
                        }
                        None => rest.push((peer_id, askers)),
                    }
                }
                rest
            }
            Err(error) => {
                tracing::debug!(%error, "cropped messages are asked for one conversation at a time");
                if error.class() == Class::Fatal {
                    self.apart.store(true, Ordering::Relaxed);
                }
                wanted
            }
        }
    }

    /// The messages of one conversation; none where VK does not tell them after some tries.
    async fn of_conversation<'a>(
        &self,
        api: &'a Api,
        mut turn: Option<Turn<'a>>,
        peer_id: i64,
        cmids: &[i64],
    ) -> Result<Vec<(i64, Box<RawValue>)>, CallError> {
        let mut backoff = Backoff::network();
        loop {
            let now = match turn.take() {
                Some(turn) => Some(turn),
                None => api.turn_unless_it_rests(Method::Messages).await,
            };
            let Some(now) = now else { break };
            let error = match now.messages(peer_id, cmids).await {
                Ok(messages) => {
                    self.refusals().end();
                    return Ok(messages);
                }
                Err(error) => error,
            };
            let pause = backoff.fail();
            match error.class() {
                Class::Fatal => return Err(error),
                Class::BackOff => {}
                Class::Retry if backoff.failures() < TRIES => tokio::time::sleep(pause).await,
                Class::Retry | Class::Skip => {
                    let mut refusals = self.refusals();
                    refusals.fail();
                    if refusals.is_loud() {
                        let failures = refusals.failures();
                        tracing::warn!(
                            %error, failures, peer_id, ?cmids,
                            "VK does not complete cropped messages; the events have what it sent"
                        );
                    }
                    break;
                }
            }
        }
        Ok(Vec::new())
    }

    fn refusals(&self) -> MutexGuard<'_, Outage> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeMap<MessagePlace, Vec<Asker>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(mut askers: Askers, messages: Vec<(i64, Box<RawValue>)>) {
    for (cmid, message) in messages {
        for asker in askers.remove(&cmid).into_iter().flatten() {
            // Who no longer waits has stopped for a reason of its own.
            let _ = asker.send(Some(message.clone()));
        }
    }
}
