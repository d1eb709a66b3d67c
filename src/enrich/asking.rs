//! Asking for a list of ids until VK answers, or until the list itself turns out to be what fails.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{directory::Directory, lookup::Lookup, token::Checks};
use crate::{
    ops::{
        dependency::Cause,
        retry::{Backoff, Outage},
    },
    vk::{Api, CallError, ErrorClass, Listing, Permit},
};

/// How often a list fails before the list itself is suspected. Until then nothing else is asked: a
/// passing outage costs no more calls than these.
const TRIES: u32 = 3;
/// After so long without an answer a call counts as failing, though it may still be answered.
const SLOW: Duration = Duration::from_secs(10);

/// How the look-ups of a directory have been going.
#[derive(Debug, Default)]
pub(super) struct State {
    /// When the latest call began that had a usable answer.
    answered: Mutex<Option<Instant>>,
    outage: Mutex<Outage>,
    /// Enricher that were longer than they may be.
    cut: Mutex<Outage>,
    /// Ids without a usable answer when asked for alone.
    pub(super) unresolved: Mutex<Outage>,
    /// Such ids that events wait for now.
    pub(super) held_up: AtomicUsize,
    /// VK does not take calls for this directory within `execute`, or does not say why it refuses them.
    pub(super) apart: AtomicBool,
    /// Suspected lists are asked for one at a time, so that they leave VK's limit to the others.
    pub(super) one_suspect: tokio::sync::Mutex<()>,
}

impl<D: Directory> Lookup<D> {
    /// Asks for `ids` until VK answers, and returns those that are to be asked for apart from others: VK
    /// answers for other ids meanwhile.
    pub(super) async fn ask(
        &self,
        api: &Api,
        mut permit: Permit<'_>,
        mut ids: Vec<i64>,
    ) -> Result<Vec<i64>, CallError> {
        let mut backoff = Backoff::network();
        let mut checks = Checks::default();
        loop {
            let begun = Instant::now();
            let error = match self.call(permit, &ids).await {
                Ok(listing) => {
                    let rest = self.take_in(listing, begun);
                    if rest.len() < ids.len() {
                        return Ok(rest);
                    }
                    odd::<D>()
                }
                Err(error) if error.wants_fewer_ids() => {
                    return Ok(self.split_refused(api, ids, &error).await);
                }
                Err(error) => error,
            };
            self.health.no_answer(D::DEPENDENCY, error.reached(), &error);
            let only_the_method = checks.check(api, &error).await?;
            self.complain(&error, &ids, only_the_method);
            let pause = backoff.fail();
            let may_be_the_list =
                backoff.failures() >= TRIES && error.class() == ErrorClass::Transient;
            if may_be_the_list && self.answers_for_others(api, &ids, begun).await {
                return Ok(ids);
            }
            if error.class() != ErrorClass::Throttled {
                sleep(pause).await;
            }
            self.retain_wanted(&mut ids);
            if ids.is_empty() {
                return Ok(ids);
            }
            permit = api.permit(D::METHOD).await;
        }
    }

    /// One call. It is this directory's failure from the moment on when its answer is overdue.
    pub(super) async fn call(
        &self,
        permit: Permit<'_>,
        ids: &[i64],
    ) -> Result<Listing<D::Info>, CallError> {
        let asked = Instant::now();
        let call = permit.listing::<D::Info>(ids);
        let mut call = std::pin::pin!(call);
        tokio::select! {
            result = &mut call => return result,
            () = sleep(SLOW) => {}
        }
        let seconds = SLOW.as_secs();
        let overdue = format_args!("no answer to {} for {seconds} s", D::METHOD).to_string();
        self.health.failing_since(D::DEPENDENCY, Cause::Unreachable, asked, overdue);
        call.await
    }

    /// Hands out what a call that began at `begun` has brought, and returns the ids that it leaves
    /// unanswered.
    pub(super) fn take_in(&self, listing: Listing<D::Info>, begun: Instant) -> Vec<i64> {
        if listing.is_usable() {
            self.answered(begun);
        }
        let Listing { known, unknown, unanswered } = listing;
        let names: HashMap<i64, _> =
            known.into_iter().map(|(id, info)| (id, D::name(info))).collect();
        for (id, (name, is_cut)) in &names {
            if *is_cut {
                self.was_cut(*id);
            }
            self.answer(*id, Some(name));
        }
        for id in unknown {
            self.answer(id, None);
        }
        unanswered
    }

    /// Notes that VK answers to this method.
    fn answered(&self, begun: Instant) {
        {
            let mut answered = lock(&self.state.answered);
            *answered = (*answered).max(Some(begun));
        }
        if self.state.held_up.load(Ordering::Relaxed) == 0 {
            self.health.ok(D::DEPENDENCY);
        }
        let over = lock(&self.state.outage).end();
        if let Some(over) = over {
            tracing::info!(method = %D::METHOD, "names can be looked up again, {over}");
        }
    }

    /// Whether VK answers to this method for other ids, when a call for `ids` that began at `begun` has
    /// failed. Where no other call has been answered since, it is asked for an id of its own.
    pub(super) async fn answers_for_others(&self, api: &Api, ids: &[i64], begun: Instant) -> bool {
        if lock(&self.state.answered).is_some_and(|at| at >= begun) {
            return true;
        }
        let Some(permit) = api.permit_unless_throttled(D::METHOD).await else { return false };
        let control = if ids.contains(&1) { 2 } else { 1 };
        let begun = Instant::now();
        match self.call(permit, &[control]).await {
            Ok(listing) if listing.is_usable() => {
                self.answered(begun);
                true
            }
            // VK refuses this id, so it does answer.
            Err(error) if error.class() == ErrorClass::Skip => {
                self.answered(begun);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Logs that names cannot be looked up, ever more rarely; `only_the_method` where VK rejects it for
    /// this token, and takes the token otherwise.
    pub(super) fn complain(&self, error: &CallError, ids: &[i64], only_the_method: bool) {
        let Some(failures) = lock(&self.state.outage).fail() else { return };
        let (never_seen, ids) = (self.waited_for(ids), ids.len());
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

    fn was_cut(&self, id: i64) {
        if let Some(so_far) = lock(&self.state.cut).fail() {
            tracing::warn!(method = %D::METHOD, id, so_far, "a name is longer than VK allows, and was cut");
        }
    }
}

/// The failure of a call whose reply has no element that can be used.
pub(super) fn odd<D: Directory>() -> CallError {
    let reason = "no element of the reply can be used".into();
    CallError::Unreachable { method: D::METHOD, reason }
}

pub(super) fn lock<T>(state: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
