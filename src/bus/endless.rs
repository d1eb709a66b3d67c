//! A lease without a TTL: nobody's who lives, since an instance sets the TTL anew with each renewal, thrice
//! in a lease term. Somebody set it by hand, or restored it so from a backup.

use tokio::time::Instant;

use super::RedisBus;
use crate::ops::dependency::Dependency;

/// What an instance that waits for the lease has seen of one without a TTL.
pub(super) struct EndlessLease<'a> {
    bus: &'a RedisBus,
    seen: Option<Seen>,
}

struct Seen {
    owner: String,
    since: Instant,
}

impl<'a> EndlessLease<'a> {
    /// Nothing is seen yet.
    pub(super) fn new(bus: &'a RedisBus) -> Self {
        Self { bus, seen: None }
    }

    /// The lease is held by `owner`, and has no TTL.
    pub(super) fn seen(&mut self, owner: String) {
        let key = self.bus.scripts.lease_key();
        if self.seen.is_none() {
            self.bus.health.failing(
                Dependency::Lease,
                format_args!(
                    "{key} has no TTL; it is taken over after one lease term, or once it is deleted"
                ),
            );
            let term_s = self.bus.settings.lease.as_secs_f64();
            tracing::warn!(
                key,
                owner,
                term_s,
                "the lease has no TTL, so no live instance set it: it is taken over after one lease term. To \
                 take it over at once, delete the key; to hold fetching back, give it a TTL"
            );
        }
        if self.seen.as_ref().is_none_or(|seen| seen.owner != owner) {
            self.seen = Some(Seen { owner, since: Instant::now() });
        }
    }

    /// The owner that has held the lease without a TTL for a whole lease term.
    pub(super) fn dead_owner(&self) -> Option<&str> {
        let seen = self.seen.as_ref()?;
        (seen.since.elapsed() >= self.bus.settings.lease).then_some(&*seen.owner)
    }

    /// The lease has a TTL again, or is ours.
    pub(super) fn over(&mut self) {
        if self.seen.take().is_some() {
            self.bus.health.ok(Dependency::Lease);
        }
    }
}
