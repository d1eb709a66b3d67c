//! The lease: the right of one instance to fetch for a community.

use std::{sync::atomic::Ordering, time::Duration};

use redis::{FromRedisValue, ParsingError, RedisResult, Value};
use tokio::time::{Instant, sleep};

use super::{
    CommitError, LeaseTerm, PermanentError, RedisBus,
    redis_bus::{Reply, parse_position},
    retrying::RetryingConnection,
};
use crate::{
    ops::{dependency::Dependency, health::Role},
    text,
};

impl RedisBus {
    /// Acquires the lease, after waiting for its holder, and reads the committed position.
    pub(super) async fn acquire(&self) -> Result<LeaseTerm, PermanentError> {
        let mut connection = self.connection(&self.metrics.lease_retries);
        let mut is_waiting = false;
        let mut without_ttl = LeaseWithoutTtl::new(self);
        loop {
            let mut call = self.scripts.acquire();
            call.arg(&self.instance).arg(millis(self.settings.lease));
            if let Some(holder) = without_ttl.stale_holder() {
                call.arg(holder);
            }
            let (holder, ttl) = match connection.run("the lease", &call).await? {
                AcquireReply::Acquired(term) => {
                    without_ttl.ended();
                    self.health.role(Role::Fetching);
                    let (ts, generation) =
                        term.position.map(|it| (it.ts.get(), it.generation)).unzip();
                    tracing::info!(
                        epoch = term.epoch,
                        ts,
                        generation,
                        "fetching for this community"
                    );
                    return Ok(term);
                }
                AcquireReply::Held { holder, ttl } => (holder, ttl),
            };
            self.health.role(Role::Standby);
            let poll_interval = self.settings.lease / 10;
            let Some(ttl) = ttl else {
                without_ttl.observe(holder);
                sleep(poll_interval).await;
                continue;
            };
            without_ttl.ended();
            if !is_waiting {
                let by = text::excerpt(&holder);
                tracing::info!(by, "another instance fetches for this community; standing by");
                is_waiting = true;
            }
            sleep(ttl.min(poll_interval)).await;
        }
    }

    /// Renews the lease while polled. Returns why the lease term ended.
    pub(super) async fn keep(&self, epoch: u64) -> CommitError {
        let mut connection = self.connection(&self.metrics.lease_retries);
        loop {
            sleep(self.settings.lease / 3).await;
            if let Err(end) = self.renew(&mut connection, epoch).await {
                return end;
            }
        }
    }

    /// Renews the lease once.
    ///
    /// # Errors
    /// The lease term ended, Redis was rolled back, or Redis returned a permanent error.
    pub(super) async fn renew(
        &self,
        connection: &mut RetryingConnection,
        epoch: u64,
    ) -> Result<(), CommitError> {
        // Loaded before the request: Redis may have a later commit by then, but no earlier one.
        let committed = self.committed.load(Ordering::Acquire);
        let mut call = self.scripts.renew();
        call.arg(&self.instance).arg(epoch).arg(millis(self.settings.lease)).arg(committed);
        let RenewReply(result) = connection.run("the lease's renewal", &call).await?;
        result
    }

    /// Releases the lease, so that a standby does not have to wait until it expires.
    pub(super) async fn release(&self) {
        let mut call = self.scripts.release();
        let reply: RedisResult<i64> =
            self.connection(&self.metrics.lease_retries).try_run(call.arg(&self.instance)).await;
        if let Err(error) = reply {
            let error = text::excerpt(&text::cause(&error));
            tracing::warn!(error, "the lease was not released; it expires by itself");
        }
    }
}

/// Observes a lease that has no TTL while this instance waits for it.
///
/// A live instance sets the TTL three times per lease term, so such a lease was set by hand or
/// restored from a backup. It is stale once the same holder has had it for a whole term.
struct LeaseWithoutTtl<'a> {
    bus: &'a RedisBus,
    observed: Option<(String, Instant)>,
}

impl<'a> LeaseWithoutTtl<'a> {
    fn new(bus: &'a RedisBus) -> Self {
        Self { bus, observed: None }
    }

    /// `holder` has the lease, and it has no TTL.
    fn observe(&mut self, holder: String) {
        let key = self.bus.scripts.lease_key();
        if self.observed.is_none() {
            self.bus.health.failing(
                Dependency::Lease,
                format_args!(
                    "{key} has no TTL; it is taken over after one lease term, or once it is deleted"
                ),
            );
            let term_s = self.bus.settings.lease.as_secs_f64();
            let quoted = text::excerpt(&holder);
            tracing::warn!(
                key,
                holder = quoted,
                term_s,
                "the lease has no TTL, so no live instance set it: it is taken over after one lease term. To \
                 take it over at once, delete the key; to prevent the takeover, give it a TTL"
            );
        }
        if self.observed.as_ref().is_none_or(|(first, _)| *first != holder) {
            self.observed = Some((holder, Instant::now()));
        }
    }

    /// The holder, once it has had the lease without a TTL for a whole lease term.
    fn stale_holder(&self) -> Option<&str> {
        let (holder, since) = self.observed.as_ref()?;
        (since.elapsed() >= self.bus.settings.lease).then_some(holder)
    }

    /// The lease has a TTL again, or this instance acquired it.
    fn ended(&mut self) {
        if self.observed.take().is_some() {
            self.bus.health.ok(Dependency::Lease);
        }
    }
}

/// The reply of `acquire.lua`.
enum AcquireReply {
    Acquired(LeaseTerm),
    /// Another instance holds the lease; `ttl` is none if the lease has no TTL.
    Held {
        holder: String,
        ttl: Option<Duration>,
    },
}

impl FromRedisValue for AcquireReply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let Reply { status, values } = redis::from_redis_value(value)?;
        match status.as_str() {
            "ACQUIRED" => {
                let (epoch, generation, ts): (u64, String, String) =
                    redis::from_redis_value(Value::Array(values))?;
                let position = parse_position(&generation, &ts)?;
                Ok(Self::Acquired(LeaseTerm { epoch, position }))
            }
            "HELD" => {
                let (holder, ttl): (String, i64) = redis::from_redis_value(Value::Array(values))?;
                let ttl = u64::try_from(ttl).ok().map(|ttl| Duration::from_millis(ttl.max(1)));
                Ok(Self::Held { holder, ttl })
            }
            other => Err(format!("unknown reply of acquire.lua: {other}").into()),
        }
    }
}

/// The reply of `renew.lua`.
struct RenewReply(Result<(), CommitError>);

impl FromRedisValue for RenewReply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let Reply { status, values } = redis::from_redis_value(value)?;
        Ok(Self(match status.as_str() {
            "OK" => Ok(()),
            "FENCED" => Err(CommitError::Fenced),
            "ROLLED_BACK" => Err(CommitError::rolled_back(values)?),
            other => return Err(format!("unknown reply of renew.lua: {other}").into()),
        }))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
