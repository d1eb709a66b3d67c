//! Queries a list of ids until VK answers, or until the list itself is the suspected cause of the failure.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{directory::Directory, lookup::Lookup, token_check::TokenChecks};
use crate::{
    ops::{
        dependency::Cause,
        retry::{Backoff, Outage},
    },
    vk::{Api, CallError, ErrorClass, Listing, Permit},
};

/// After so many failures the list itself is suspected. Until then no further call is made: a short outage
/// costs no more calls than these.
const TRIES: u32 = 3;
/// After so long without an answer the dependency counts as failing, though the call goes on.
const SLOW: Duration = Duration::from_secs(10);

/// What is known about the method of a directory from its latest calls.
#[derive(Debug, Default)]
pub(super) struct QueryState {
    /// The start of the latest call that had a usable answer.
    answered: Mutex<Option<Instant>>,
    outage: Mutex<Outage>,
    /// Names that exceeded the bounds and were shortened.
    cut: Mutex<Outage>,
    /// Ids without a usable answer when queried alone.
    pub(super) unresolved: Mutex<Outage>,
    /// The number of such ids that batches wait for now.
    pub(super) blocking: AtomicUsize,
    /// VK does not accept this method within `execute`, or does not return the reason of a rejection there.
    pub(super) no_execute: AtomicBool,
    /// Held during the call for a suspected list: one at a time, so that the others keep most of the rate
    /// limit.
    pub(super) suspect_call: tokio::sync::Mutex<()>,
}

impl<D: Directory> Lookup<D> {
    /// Queries `ids` until VK answers, first with `permit` if there is one. Returns the suspects, to be bisected: the ids without an answer while
    /// VK answers for other ids.
    pub(super) async fn query(
        &self,
        api: &Api,
        mut permit: Option<Permit<'_>>,
        mut ids: Vec<i64>,
    ) -> Result<Vec<i64>, CallError> {
        let mut backoff = Backoff::network();
        let mut checks = TokenChecks::default();
        loop {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => api.permit(D::METHOD).await,
            };
            let started = Instant::now();
            let error = match self.call(permit, &ids).await {
                Ok(listing) => {
                    let rest = self.store(listing, started);
                    if rest.len() < ids.len() {
                        return Ok(rest);
                    }
                    unusable::<D>()
                }
                Err(error) if error.wants_fewer_ids() => {
                    return Ok(self.split_rejected(api, ids, &error).await);
                }
                Err(error) => error,
            };
            self.health.no_answer(D::DEPENDENCY, error.reached(), &error);
            let only_the_method = checks.check(api, &error).await?;
            self.log_failure(&error, &ids, only_the_method);
            let pause = backoff.fail();
            let may_be_the_list = backoff.failures() >= TRIES
                && (error.class() == ErrorClass::Transient || only_the_method);
            if may_be_the_list && self.answers_for_others(api, &ids, started).await {
                return Ok(ids);
            }
            if error.class() != ErrorClass::Throttled {
                sleep(pause).await;
            }
            self.retain_unsettled(&mut ids);
            if ids.is_empty() {
                return Ok(ids);
            }
        }
    }

    /// Makes one call. The dependency counts as failing as soon as the answer is overdue.
    pub(super) async fn call(
        &self,
        permit: Permit<'_>,
        ids: &[i64],
    ) -> Result<Listing<D::Info>, CallError> {
        let started = Instant::now();
        let call = permit.listing::<D::Info>(ids);
        let mut call = std::pin::pin!(call);
        tokio::select! {
            result = &mut call => return result,
            () = sleep(SLOW) => {}
        }
        let seconds = SLOW.as_secs();
        let overdue = format_args!("no answer to {} for {seconds} s", D::METHOD).to_string();
        self.health.failing_since(D::DEPENDENCY, Cause::Unreachable, started, overdue);
        call.await
    }

    /// Stores the result of a call and sends it to the batches that wait. Returns the ids without an answer.
    pub(super) fn store(&self, listing: Listing<D::Info>, started: Instant) -> Vec<i64> {
        if listing.is_usable() {
            self.answered(started);
        }
        let Listing { known, unknown, unanswered } = listing;
        let names: HashMap<i64, _> =
            known.into_iter().map(|(id, info)| (id, D::name(info))).collect();
        for (id, (name, is_cut)) in &names {
            if *is_cut {
                self.log_cut(*id);
            }
            self.answer(*id, Some(name));
        }
        for id in unknown {
            self.answer(id, None);
        }
        unanswered
    }

    /// Records that VK answers calls of this method.
    fn answered(&self, started: Instant) {
        {
            let mut answered = lock(&self.state.answered);
            *answered = (*answered).max(Some(started));
        }
        if self.state.blocking.load(Ordering::Relaxed) == 0 {
            self.health.ok(D::DEPENDENCY);
        }
        let over = lock(&self.state.outage).end();
        if let Some(over) = over {
            tracing::info!(method = %D::METHOD, "names can be looked up again, {over}");
        }
    }

    /// Whether VK answers this method for other ids, after a call for `ids` has failed. If no call was
    /// answered since `started`, makes a control call for another id.
    pub(super) async fn answers_for_others(
        &self,
        api: &Api,
        ids: &[i64],
        started: Instant,
    ) -> bool {
        if lock(&self.state.answered).is_some_and(|at| at >= started) {
            return true;
        }
        let Some(permit) = api.permit_unless_throttled(D::METHOD).await else { return false };
        let control = if ids.contains(&1) { 2 } else { 1 };
        let started = Instant::now();
        match self.call(permit, &[control]).await {
            Ok(listing) if listing.is_usable() => {
                self.answered(started);
                true
            }
            // VK rejects this id, so it does answer.
            Err(error) if error.class() == ErrorClass::Skip => {
                self.answered(started);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Logs the 1st, 2nd, 4th, 8th, ... failure of an outage; `only_the_method` if VK rejects the method and
    /// accepts the token.
    pub(super) fn log_failure(&self, error: &CallError, ids: &[i64], only_the_method: bool) {
        let Some(failures) = lock(&self.state.outage).fail() else { return };
        let (never_seen, ids) = (self.awaited(ids), ids.len());
        if only_the_method {
            tracing::error!(
                %error, failures, method = %D::METHOD, ids, never_seen,
                "VK rejects this method, not the token: events of ids never seen before wait. If this \
                 lasts, make a new token with community management and messages allowed"
            );
        } else {
            tracing::warn!(
                %error, failures, method = %D::METHOD, ids, never_seen,
                "names cannot be looked up now; events of ids never seen before wait for VK"
            );
        }
    }

    fn log_cut(&self, id: i64) {
        if let Some(so_far) = lock(&self.state.cut).fail() {
            tracing::warn!(method = %D::METHOD, id, so_far, "a name is longer than VK allows, and was cut");
        }
    }
}

/// The error of a call whose reply has no usable element.
pub(super) fn unusable<D: Directory>() -> CallError {
    let reason = "no element of the reply can be used".into();
    CallError::Unreachable { method: D::METHOD, reason }
}

pub(super) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
