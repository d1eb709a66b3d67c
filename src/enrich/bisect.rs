//! Bisects lists that fail while VK answers for other ids, until the failing id is alone. Such an id is given
//! up after `names.unresolved_after`.
//!
//! Each failure is compared with a *control*: a call of the same method for other ids, answered after the
//! failing call was started. If the control fails too, the method is out of service: no list is bisected, no
//! id is given up, and the time of an id that fails alone starts again.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, sleep};

use super::{
    Unresolved,
    directory::Directory,
    lookup::Lookup,
    query::{lock, unusable},
    token_check::TokenChecks,
};
use crate::{
    ops::{dependency::Cause, retry::Backoff},
    vk::{Api, CallError, ErrorClass},
};

impl<D: Directory> Lookup<D> {
    /// Queries suspected ids. Returns the lists to bisect next; none when all ids are settled.
    pub(super) async fn bisect(
        &self,
        api: &Api,
        mut ids: Vec<i64>,
    ) -> Result<Vec<Vec<i64>>, CallError> {
        let mut backoff = Backoff::network();
        let mut checks = TokenChecks::default();
        let mut alone = Alone::new(&self.state.blocking);
        loop {
            self.retain_unsettled(&mut ids);
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let suspect_call = self.state.suspect_call.lock().await;
            let permit = api.permit(D::METHOD).await;
            let started = Instant::now();
            let error = match self.call(permit, &ids).await {
                Ok(listing) => {
                    let asked = ids.len();
                    alone.unblock();
                    let rest = self.store(listing, started);
                    match rest.len() {
                        0 => return Ok(Vec::new()),
                        left if left < asked => return Ok(vec![rest]),
                        _ => unusable::<D>(),
                    }
                }
                Err(error)
                    if error.wants_fewer_ids()
                        && (ids.len() > 1 || error.class() == ErrorClass::Skip) =>
                {
                    alone.unblock();
                    let rest = self.split_rejected(api, ids, &error).await;
                    return Ok(if rest.is_empty() { Vec::new() } else { vec![rest] });
                }
                Err(error) => error,
            };
            let only_the_method = checks.check(api, &error).await?;
            let is_the_list = (error.class() == ErrorClass::Transient || only_the_method)
                && self.answers_for_others(api, &ids, started).await;
            drop(suspect_call);
            let mut pause = backoff.fail();
            if !is_the_list {
                self.health.no_answer(D::DEPENDENCY, error.reached(), &error);
                self.log_failure(&error, &ids, only_the_method);
                alone.since = None;
            } else if let &[id] = &*ids {
                let since = *alone.since.get_or_insert(started);
                if self.awaited(&ids) > 0 {
                    let reason =
                        format_args!("no usable answer for one id alone: {error}").to_string();
                    self.health.failing_since(D::DEPENDENCY, Cause::Unreachable, since, reason);
                    alone.block();
                }
                let left = self.policy.after.saturating_sub(since.elapsed());
                if left.is_zero() {
                    let give_up = self.policy.unresolved == Unresolved::Deliver;
                    self.unresolved(id, &mut alone, &error, give_up);
                    if give_up {
                        return Ok(Vec::new());
                    }
                } else {
                    pause = pause.min(left);
                }
            } else {
                let (left, right) = ids.split_at(ids.len() / 2);
                return Ok(vec![left.to_vec(), right.to_vec()]);
            }
            if error.class() != ErrorClass::Throttled {
                sleep(pause).await;
            }
        }
    }

    /// Applies `names.unresolved` to an id that has had no usable answer for too long.
    fn unresolved(&self, id: i64, alone: &mut Alone, error: &CallError, give_up: bool) {
        if !alone.is_counted {
            alone.is_counted = true;
            self.unresolved.inc();
            if let Some(so_far) = lock(&self.state.unresolved).fail() {
                let held_up = !give_up;
                tracing::warn!(
                    %error, method = %D::METHOD, id, so_far, held_up,
                    "VK gives no usable answer for this id, though it does for others; \
                     names.unresolved decides whether its events go out without a name or wait"
                );
            }
        }
        if give_up {
            alone.unblock();
            self.give_up(id);
            if self.state.blocking.load(Ordering::Relaxed) == 0 {
                self.health.ok(D::DEPENDENCY);
            }
        }
    }
}

/// The state of an id that fails alone.
struct Alone<'a> {
    /// The start of its first failing call since the control last failed.
    since: Option<Instant>,
    /// Counted as unresolved already.
    is_counted: bool,
    /// Counted in `blocking`.
    is_blocking: bool,
    blocking: &'a AtomicUsize,
}

impl<'a> Alone<'a> {
    fn new(blocking: &'a AtomicUsize) -> Self {
        Self { since: None, is_counted: false, is_blocking: false, blocking }
    }

    /// Batches wait for this id.
    fn block(&mut self) {
        if !std::mem::replace(&mut self.is_blocking, true) {
            self.blocking.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unblock(&mut self) {
        if std::mem::take(&mut self.is_blocking) {
            self.blocking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.unblock();
    }
}
