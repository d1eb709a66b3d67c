//! Follows a community's Long Poll queue, and passes on each batch that VK sends.

mod batch;
mod salvage;
mod session;
mod session_check;

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    ops::{
        dependency::Dependency,
        health::Health,
        metrics::{Fetching, PollLabels, PollOutcome},
        retry::{Backoff, Outage},
    },
    ts::Ts,
    vk::{Api, CallError, ErrorClass, LongPoll, LongPollServer, PollReply, RequestError},
};
pub use batch::{Batch, Gap, GapCause};
pub use session::{Connecting, Polling, SessionState, Step};
use session_check::{Finding, SessionCheck};

/// How long VK may hold the polls of a lease term before the first answer: the service is ready after that.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The least time between two polls of which the first returned no updates.
const EMPTY_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// After so many servers in a row that led to no successful poll, that is logged.
const USELESS_SERVERS: u32 = 3;

/// The access to a community's queue.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// VK's API, which names Long Poll servers.
    pub api: &'a Api,
    /// The client of these servers.
    pub long_poll: &'a LongPoll,
    /// The time without a new update after which the session is checked.
    pub session_check: Duration,
}

/// Follows the queue from `start` and sends each batch to `out`, until the receiver is closed. If this future
/// is dropped, the poll in flight is too: VK keeps its updates.
///
/// # Errors
/// Only if VK answers with a permanent error.
pub async fn follow(
    source: Source<'_>,
    health: &Health,
    metrics: &Fetching,
    start: Option<Ts>,
    out: mpsc::Sender<Batch>,
) -> Result<(), CallError> {
    let Source { api, long_poll, session_check } = source;
    if start.is_none() {
        tracing::info!("no position stored: starting with what VK sends from now on");
    }
    let mut servers = ServerSource::new(api, health);
    let mut check = SessionCheck::new(api, session_check);
    let mut backoff = Backoff::network();
    let mut state = SessionState::starting_at(start);
    let mut wait = FIRST_WAIT;
    // The slot is reserved before the poll, so that no updates are held without one.
    while let Ok(slot) = out.reserve().await {
        let started = Instant::now();
        let polling = match state {
            SessionState::Polling(polling) => polling,
            SessionState::Connecting(connecting) => {
                let (server, newest) = servers.next().await?;
                check.restart();
                let step = connecting.granted(server, newest);
                state = step.state;
                send(slot, step.batch);
                continue;
            }
        };
        let from = polling.ts;
        let reply = check.beside(long_poll.poll(&polling.server, from, wait)).await?;
        let outcome = outcome(&reply, from);
        metrics.polls.get_or_create(&PollLabels { outcome }).inc();
        let step = polling.replied(reply);
        state = step.state;
        // VK holds a poll until there is an update, and each update moves the position. An answer that does
        // neither must not be followed by the next poll at once.
        let is_empty = step.batch.as_ref().is_none_or(|it| it.updates.is_empty() || it.ts == from);
        if let Some(batch) = step.batch {
            check.received(&batch);
            send(slot, Some(batch));
        } else if matches!(outcome, PollOutcome::Empty | PollOutcome::Updates)
            && let SessionState::Polling(polling) = state
        {
            state = match check.finding(polling.ts) {
                Some(Finding::Silent(server)) => {
                    metrics.silent_sessions.inc();
                    SessionState::Polling(polling.on(server))
                }
                Some(Finding::Lost(server, newest)) => {
                    let step = Connecting::LostAfter(polling.ts).granted(server, newest);
                    send(slot, step.batch);
                    step.state
                }
                None => SessionState::Polling(polling),
            };
        }
        if let Some(failure) = &step.failure {
            servers.poll_failed(failure);
            // Time that VK held the poll counts towards the pause.
            sleep_until(started + backoff.fail()).await;
            continue;
        }
        if matches!(state, SessionState::Polling(_)) {
            servers.poll_succeeded();
            wait = long_poll.wait();
            backoff.reset();
            metrics.answered();
            if outcome == PollOutcome::Empty {
                metrics.nothing_after(from.get());
            }
        }
        // VK holds a poll until it has updates; one that returns at once is not repeated at once.
        if is_empty {
            sleep_until(started + EMPTY_POLL_INTERVAL).await;
        }
    }
    Ok(())
}

fn send(slot: mpsc::Permit<'_, Batch>, batch: Option<Batch>) {
    if let Some(batch) = batch {
        slot.send(Batch { received: vec![Instant::now()], ..batch });
    }
}

/// The outcome of a poll from position `from`, for the metrics.
fn outcome(reply: &PollReply, from: Ts) -> PollOutcome {
    match reply {
        PollReply::Updates { ts, updates } if updates.is_empty() && *ts == from => {
            PollOutcome::Empty
        }
        PollReply::Updates { ts, .. } if *ts < from => PollOutcome::Unknown,
        PollReply::Updates { .. } => PollOutcome::Updates,
        PollReply::Outdated { .. } => PollOutcome::Outdated,
        PollReply::KeyExpired => PollOutcome::KeyExpired,
        PollReply::Lost => PollOutcome::Lost,
        PollReply::Unknown { .. } => PollOutcome::Unknown,
        PollReply::Malformed { .. } => PollOutcome::Malformed,
        PollReply::Unreachable { .. } => PollOutcome::Unreachable,
    }
}

/// Requests Long Poll servers, and reports how Long Poll does.
///
/// Requests in a quick loop would bring VK's error 29. So each server that leads to no successful poll makes
/// the pause before the next request longer.
struct ServerSource<'a> {
    api: &'a Api,
    health: &'a Health,
    /// Counts the requests since the last successful poll.
    useless: Backoff,
    /// The servers that VK named since the last successful poll.
    named: u32,
    /// The pause before the next request.
    pause: Duration,
    /// The failed polls and requests since the last successful poll.
    outage: Outage,
}

impl<'a> ServerSource<'a> {
    fn new(api: &'a Api, health: &'a Health) -> Self {
        let useless = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        Self { api, health, useless, named: 0, pause: Duration::ZERO, outage: Outage::default() }
    }

    /// Requests a server and VK's newest position until VK names one.
    ///
    /// # Errors
    /// Only if VK answers with a permanent error.
    async fn next(&mut self) -> Result<(LongPollServer, Ts), CallError> {
        loop {
            if self.useless.failures() > 0 {
                if self.named >= 2 {
                    self.health.failing(
                        Dependency::LongPoll,
                        "no poll succeeds on the servers that VK names",
                    );
                }
                tokio::time::sleep(self.pause).await;
            }
            self.pause = self.useless.fail();
            match self.api.long_poll_server().await {
                Ok(granted) => {
                    self.named += 1;
                    if self.named > USELESS_SERVERS && self.named.is_power_of_two() {
                        tracing::warn!(
                            servers = self.named,
                            "no poll succeeds on the Long Poll servers that VK names; trying another"
                        );
                    }
                    return Ok(granted);
                }
                Err(error) if error.class() == ErrorClass::Permanent => return Err(error),
                Err(error) => {
                    self.health.no_answer(Dependency::LongPoll, error.reached(), &error);
                    if let Some(failures) = self.outage.fail() {
                        tracing::warn!(%error, failures, "VK named no Long Poll server; trying again");
                    }
                }
            }
        }
    }

    fn poll_failed(&mut self, reason: &RequestError) {
        self.health.no_answer(Dependency::LongPoll, reason.reached, reason);
        if let Some(failures) = self.outage.fail() {
            tracing::warn!(%reason, failures, "poll failed; trying again from the same position");
        }
    }

    fn poll_succeeded(&mut self) {
        self.health.ok(Dependency::LongPoll);
        self.useless.reset();
        self.named = 0;
        if let Some(recovery) = self.outage.end() {
            tracing::info!("VK's Long Poll answers again, {recovery}");
        }
    }
}
