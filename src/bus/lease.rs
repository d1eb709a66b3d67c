//! The lease: the right of one instance to fetch for a community.

use std::{sync::atomic::Ordering, time::Duration};

use redis::{FromRedisValue, ParsingError, RedisResult, Value};
use tokio::time::{Instant, sleep};

use super::{
    CommitError, LeaseTerm, PermanentError, RedisBus,
    retrying::RetryingConnection,
    scripts::{parse_position, parse_reply},
};
use crate::{ops::dependency::Dependency, text};

impl RedisBus {
    /// Acquires the lease, after waiting for its holder, and reads the committed position.
    pub(super) async fn acquire(&self) -> Result<LeaseTerm, PermanentError> {
        let mut connection = self.connection(&self.metrics.lease_retries);
        let mut is_waiting = false;
        // A live instance sets the TTL three times per lease term, so a lease without one was set by hand or
        // restored from a backup. It is stale once the same holder has had it for a whole term.
        let mut without_ttl: Option<(String, Instant)> = None;
        loop {
            let mut call = self.scripts.acquire();
            call.arg(&self.instance).arg(millis(self.settings.lease));
            if let Some((holder, since)) = &without_ttl
                && since.elapsed() >= self.settings.lease
            {
                call.arg(holder);
            }
            let reply = connection.run("the lease", &call).await?;
            if !matches!(reply, AcquireReply::Held { ttl: None, .. })
                && without_ttl.take().is_some()
            {
                self.health.ok(Dependency::Lease);
            }
            let (holder, ttl) = match reply {
                AcquireReply::Acquired(term) => {
                    self.health.acquired(term.position.is_some());
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
            self.health.standing_by();
            let poll_interval = self.settings.lease / 10;
            if ttl.is_none() {
                if without_ttl.is_none() {
                    self.report_without_ttl(&holder);
                }
                if without_ttl.as_ref().is_none_or(|(first, _)| *first != holder) {
                    without_ttl = Some((holder, Instant::now()));
                }
            } else if !is_waiting {
                let by = text::excerpt(&holder);
                tracing::info!(by, "another instance fetches for this community; standing by");
                is_waiting = true;
            }
            sleep(ttl.map_or(poll_interval, |ttl| ttl.min(poll_interval))).await;
        }
    }

    fn report_without_ttl(&self, holder: &str) {
        let key = self.scripts.lease_key();
        self.health.failing(
            Dependency::Lease,
            format_args!(
                "{key} has no TTL; it is taken over after one lease term, or once it is deleted"
            ),
        );
        let (holder, term_s) = (text::excerpt(holder), self.settings.lease.as_secs_f64());
        tracing::warn!(
            key,
            holder,
            term_s,
            "the lease has no TTL, so no live instance set it: it is taken over after one lease term. To \
             take it over at once, delete the key; to prevent the takeover, give it a TTL"
        );
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
        parse_reply(value, |reply| match *reply {
            ["ACQUIRED", epoch, "", ""] => {
                Some(Self::Acquired(LeaseTerm { epoch: epoch.parse().ok()?, position: None }))
            }
            ["ACQUIRED", epoch, generation, ts] => Some(Self::Acquired(LeaseTerm {
                epoch: epoch.parse().ok()?,
                position: Some(parse_position(generation, ts)?),
            })),
            ["HELD", holder, ttl] => {
                let ttl: i64 = ttl.parse().ok()?;
                let ttl = u64::try_from(ttl).ok().map(|ttl| Duration::from_millis(ttl.max(1)));
                Some(Self::Held { holder: holder.to_owned(), ttl })
            }
            _ => None,
        })
    }
}

/// The reply of `renew.lua`.
struct RenewReply(Result<(), CommitError>);

impl FromRedisValue for RenewReply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        parse_reply(value, |reply| match *reply {
            ["OK"] => Some(Self(Ok(()))),
            ["FENCED"] => Some(Self(Err(CommitError::Fenced))),
            ["ROLLED_BACK", generation, ts] => {
                Some(Self(Err(CommitError::rolled_back(generation, ts)?)))
            }
            _ => None,
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
