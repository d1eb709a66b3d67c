//! Detects a silent Long Poll session, whose polls return nothing although VK's queue moves on, and a
//! position ahead of VK's queue, from which polls never return anything.
//!
//! When a session has received nothing new for `vk.session_check`, VK's API is asked for a Long Poll server,
//! which comes with VK's newest position. If that lies ahead of the session's position while a poll still
//! returns nothing, the session polls the new server from the same position, so it skips no update.
//!
//! This is no proof of a fault. VK's documentation does not exclude that the newest position counts updates
//! that VK does not send to this community, such as event types that are switched off. So a finding is
//! logged and counted, but it does not affect readiness. The next updates decide: if they are fewer than the
//! positions they pass, VK's numbers do count such updates, and later findings are logged at debug level.
//!
//! A newest position *below* the session's cannot be right while VK keeps its queue: VK has started the queue
//! anew, or an earlier answer named a wrong `ts`. A second check soon after must confirm it, with a poll
//! between them that returned nothing. Then the queue counts as lost, as after `failed` 3.

use std::{
    hash::{BuildHasher, RandomState},
    pin::pin,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, sleep_until};

use super::Batch;
use crate::{
    ops::retry::Outage,
    ts::Ts,
    vk::{Api, CallError, ErrorClass, LongPollServer},
};

/// The least time between two calls, so that there are at most six in an hour.
const SPACING: Duration = Duration::from_secs(10 * 60);
/// The longest time before a check that confirms a position ahead of VK's queue.
const CONFIRMATION: Duration = Duration::from_secs(30);
/// After so many permanent errors in a row the service ends. One is not enough: polls still succeed, and the
/// error may not last.
const PERMANENT_ERRORS: u32 = 2;

/// What a check has found while polls returned nothing.
pub(super) enum Finding {
    /// VK's newest position lies ahead: the session polls from the same position on this server.
    Silent(LongPollServer),
    /// VK's newest position lies below the session's, twice in a row: VK has lost the queue. The session
    /// continues on this server from this position.
    Lost(LongPollServer, Ts),
}

/// A Long Poll server and VK's newest position.
type CheckResult = Result<(LongPollServer, Ts), CallError>;

/// Checks a session that receives nothing. Each call runs beside a poll, so it delays no event.
pub(super) struct SessionCheck<'a> {
    call: Box<dyn Fn() -> BoxFuture<'a, CheckResult> + Send + 'a>,
    /// The time without a new update after which a session is checked.
    quiet: Duration,
    /// When the next call is made, unless something new is received before.
    due: Instant,
    /// The earliest time of the next call that confirms no other.
    allowed: Instant,
    /// VK's newest position was below the session's: the next call confirms that.
    is_ahead: bool,
    pending: Option<BoxFuture<'a, CheckResult>>,
    result: Option<(LongPollServer, Ts)>,
    permanent_errors: u32,
    /// The positions that polls have not returned yet.
    hidden: Option<Hidden>,
    /// The findings since the last new update.
    findings: Outage,
    /// Whether VK's newest position has been seen to count updates that VK does not send.
    counts_unsent: bool,
}

/// Positions of VK's queue for which polls returned nothing.
struct Hidden {
    /// The session's position.
    from: Ts,
    /// VK's newest position.
    newest: Ts,
    /// The updates received since.
    updates: u64,
}

impl<'a> SessionCheck<'a> {
    /// A check of a session that has received nothing new for `quiet`.
    pub(super) fn new(api: &'a Api, quiet: Duration) -> Self {
        Self::with(quiet, move || api.long_poll_server().boxed())
    }

    fn with(quiet: Duration, call: impl Fn() -> BoxFuture<'a, CheckResult> + Send + 'a) -> Self {
        let now = Instant::now();
        let mut check = Self {
            call: Box::new(call),
            quiet,
            due: now,
            allowed: now,
            is_ahead: false,
            pending: None,
            result: None,
            permanent_errors: 0,
            hidden: None,
            findings: Outage::default(),
            counts_unsent: false,
        };
        check.restart();
        check
    }

    /// The session polls a new server, or has received something new: the quiet time starts again.
    pub(super) fn restart(&mut self) {
        self.result = None;
        self.is_ahead = false;
        self.permanent_errors = 0;
        self.due = self.allowed.max(Instant::now() + jittered(self.quiet));
    }

    /// The session has received a batch.
    pub(super) fn received(&mut self, batch: &Batch) {
        self.restart();
        self.findings.end();
        let Some(hidden) = &mut self.hidden else { return };
        hidden.updates += batch.updates.len() as u64;
        if batch.ts < hidden.newest && batch.gaps.is_empty() {
            return;
        }
        let is_short = batch.gaps.is_empty() && hidden.updates < batch.ts.since(hidden.from);
        self.hidden = None;
        if is_short && !self.counts_unsent {
            self.counts_unsent = true;
            tracing::info!(
                "VK's newest ts counts updates that VK does not send, such as event types that are \
                 switched off: a ts ahead of the position is not reported any more"
            );
        }
    }

    /// Waits for `poll`, and meanwhile makes the call that is due.
    ///
    /// # Errors
    /// Only if VK answers the call with a permanent error repeatedly. Other failures of the call do not
    /// affect the session.
    pub(super) async fn beside<T>(
        &mut self,
        poll: impl Future<Output = T>,
    ) -> Result<T, CallError> {
        let mut poll = pin!(poll);
        loop {
            let result = tokio::select! {
                biased;
                reply = &mut poll => return Ok(reply),
                result = self.next_result() => result,
            };
            self.take(result)?;
        }
    }

    /// A poll from `position` has returned nothing new. Returns what the latest call shows.
    pub(super) fn finding(&mut self, position: Ts) -> Option<Finding> {
        let (server, newest) = self.result.take()?;
        let was_ahead = std::mem::replace(&mut self.is_ahead, newest < position);
        if newest <= position {
            self.hidden = None;
        }
        if newest == position {
            return None;
        }
        if newest < position {
            if was_ahead {
                self.restart();
                return Some(Finding::Lost(server, newest));
            }
            tracing::warn!(
                %position,
                %newest,
                "the position lies ahead of VK's queue, where no update can arrive; if the next check \
                 confirms it, polling continues from VK's newest ts, with a gap"
            );
            self.due = Instant::now() + self.quiet.min(CONFIRMATION);
            return None;
        }
        self.hidden = Some(Hidden { from: position, newest, updates: 0 });
        if let Some(findings) = self.findings.fail() {
            self.log_finding(findings, position, newest);
        }
        Some(Finding::Silent(server))
    }

    fn log_finding(&self, findings: u32, position: Ts, newest: Ts) {
        if self.counts_unsent {
            tracing::debug!(%position, %newest, findings, "VK's newest ts is ahead of the position");
        } else if findings == 1 {
            tracing::warn!(
                %position,
                %newest,
                "polls return nothing although VK's queue has moved on: this Long Poll session may be \
                 silent. A new session polls from the same position, so no update is lost"
            );
        } else {
            tracing::warn!(
                %position,
                %newest,
                findings,
                "a new Long Poll session returns nothing either. If events are missing, VK does not \
                 deliver them; if none are, its ts counts event types that are switched off. Nothing \
                 has to be done here: polling continues from the same position"
            );
        }
    }

    /// The next result. This future can be dropped and called again without losing a call.
    async fn next_result(&mut self) -> CheckResult {
        let pending = match &mut self.pending {
            Some(pending) => pending,
            none => {
                sleep_until(self.due).await;
                // From 10 to 15 minutes; a call that confirms another takes the place of a later one.
                let since = self.allowed.max(Instant::now());
                self.allowed = since + jittered(SPACING * 5 / 4).max(SPACING);
                self.due = self.allowed;
                none.insert((self.call)())
            }
        };
        let result = pending.await;
        self.pending = None;
        result
    }

    fn take(&mut self, result: CheckResult) -> Result<(), CallError> {
        match result {
            Ok(result) => {
                self.permanent_errors = 0;
                self.result = Some(result);
            }
            Err(error) if error.class() == ErrorClass::Permanent => {
                self.permanent_errors += 1;
                if self.permanent_errors >= PERMANENT_ERRORS {
                    return Err(error);
                }
                tracing::warn!(
                    %error,
                    "VK rejected the check of the Long Poll session: polling continues. A second such \
                     error ends the service"
                );
            }
            Err(error) => {
                tracing::debug!(%error, "the check of the Long Poll session failed; polling continues");
            }
        }
        Ok(())
    }
}

/// A duration that differs by up to a fifth, so that many instances do not call at once.
fn jittered(duration: Duration) -> Duration {
    let random = RandomState::new().hash_one(());
    let thousandths = 800 + u32::try_from(random % 401).unwrap_or_default();
    duration * thousandths / 1000
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
