//! Lists that fail while VK answers for other ids: halved until the id at fault stands alone, and then
//! given up after a while.
//!
//! Each failure is held against a *control*: a call of the same method for other ids, answered after
//! the failing one began. Where the control fails too, the method is out, nothing is halved, nothing is
//! given up, and the clock of an id that stands alone starts again.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, sleep};

use super::{
    Unresolved,
    asking::{lock, odd},
    directory::Directory,
    lookup::Lookup,
    token::Checks,
};
use crate::{
    ops::{dependency::Cause, retry::Backoff},
    vk::{Api, CallError, ErrorClass},
};

impl<D: Directory> Lookup<D> {
    /// Asks for suspected ids. Returns what is to be asked for next, each list by itself; nothing once
    /// all are settled.
    pub(super) async fn isolate(
        &self,
        api: &Api,
        mut ids: Vec<i64>,
    ) -> Result<Vec<Vec<i64>>, CallError> {
        let mut backoff = Backoff::network();
        let mut checks = Checks::default();
        let mut alone = Alone::new(&self.state.held_up);
        loop {
            self.retain_wanted(&mut ids);
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let one_at_a_time = self.state.one_suspect.lock().await;
            let permit = api.permit(D::METHOD).await;
            let begun = Instant::now();
            let error = match self.call(permit, &ids).await {
                Ok(listing) => {
                    let asked = ids.len();
                    drop(alone.hold_up.take());
                    let rest = self.take_in(listing, begun);
                    match rest.len() {
                        0 => return Ok(Vec::new()),
                        left if left < asked => return Ok(vec![rest]),
                        _ => odd::<D>(),
                    }
                }
                Err(error)
                    if error.wants_fewer_ids()
                        && (ids.len() > 1 || error.class() == ErrorClass::Skip) =>
                {
                    drop(alone.hold_up.take());
                    let rest = self.split_refused(api, ids, &error).await;
                    return Ok(if rest.is_empty() { Vec::new() } else { vec![rest] });
                }
                Err(error) => error,
            };
            let only_the_method = checks.check(api, &error).await?;
            let is_the_list = error.class() == ErrorClass::Transient
                && self.answers_for_others(api, &ids, begun).await;
            drop(one_at_a_time);
            let mut pause = backoff.fail();
            if !is_the_list {
                self.health.no_answer(D::DEPENDENCY, error.reached(), &error);
                self.complain(&error, &ids, only_the_method);
                alone.since = None;
            } else if let &[id] = &*ids {
                let since = *alone.since.get_or_insert(begun);
                if self.waited_for(&ids) > 0 {
                    let reason =
                        format_args!("no usable answer for one id alone: {error}").to_string();
                    self.health.failing_since(D::DEPENDENCY, Cause::Unreachable, since, reason);
                    alone.hold_up();
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

    /// An id has had no usable answer for too long, though VK answers for others.
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
            drop(alone.hold_up.take());
            self.give_up(id);
            if self.state.held_up.load(Ordering::Relaxed) == 0 {
                self.health.ok(D::DEPENDENCY);
            }
        }
    }
}

/// An id that stands alone and fails.
struct Alone<'a> {
    /// Since when it has, and its controls have not.
    since: Option<Instant>,
    is_counted: bool,
    hold_up: Option<HoldUp<'a>>,
    held_up: &'a AtomicUsize,
}

/// That events wait for an id, for as long as this exists.
struct HoldUp<'a>(&'a AtomicUsize);

impl<'a> Alone<'a> {
    fn new(held_up: &'a AtomicUsize) -> Self {
        Self { since: None, is_counted: false, hold_up: None, held_up }
    }

    fn hold_up(&mut self) {
        self.hold_up.get_or_insert_with(|| {
            self.held_up.fetch_add(1, Ordering::Relaxed);
            HoldUp(self.held_up)
        });
    }
}

impl Drop for HoldUp<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
