//! The Long Poll session: follows a community's queue and yields what VK answers, batch by batch.

mod salvage;
mod session;
mod session_check;

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ops::{
        dependency::Dependency,
        health::Health,
        metrics::{Fetching, PollLabels, PollOutcome},
        retry::{Backoff, Outage},
    },
    ts::Ts,
    vk::{Api, CallError, Class, LongPoll, Reply, Server},
};
pub use session::{Connecting, Polling, State, Step};
use session_check::SessionCheck;

/// The least time that a poll without updates takes.
const FRUITLESS_POLL: Duration = Duration::from_millis(500);

/// About what an update needs beside its text on its way, in bytes.
const UPDATE_OVERHEAD: usize = 256;

/// What VK answered to one poll: the unit of everything that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Each update's JSON text, in VK's order.
    pub updates: Vec<Box<str>>,
    /// The position after them.
    pub ts: Ts,
    /// What VK says it lost before them.
    pub gap: Option<Gap>,
}

impl Batch {
    /// A move of the position without updates.
    #[must_use]
    pub fn position_only(ts: Ts, gap: Option<Gap>) -> Self {
        Self { updates: Vec::new(), ts, gap }
    }

    /// How many bytes its updates are, with what comes with each of them however short it is.
    #[must_use]
    pub fn size(&self) -> usize {
        self.updates.iter().map(|update| update.len() + UPDATE_OVERHEAD).sum()
    }
}

/// A batch, and when VK told it.
#[derive(Debug)]
pub struct Received {
    /// The batch.
    pub batch: Batch,
    /// When VK's answer had arrived.
    pub at: Instant,
}

/// Updates that VK reports as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last position held.
    pub from: Ts,
    /// The position that VK goes on from.
    pub to: Ts,
    /// How VK put it.
    pub cause: GapCause,
}

impl Gap {
    /// How many updates may be missing, by the positions: an estimate.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.to.since(self.from)
    }
}

/// How VK reported a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapCause {
    /// `failed: 1`, history outdated or partly lost.
    Outdated,
    /// `failed: 3`, information lost.
    Lost,
}

/// Where updates come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// VK's API, which names Long Poll servers.
    pub api: &'a Api,
    /// The client of these servers.
    pub long_poll: &'a LongPoll,
    /// After so long without anything new, VK is asked whether the session still follows the queue.
    pub session_check: Duration,
}

/// Follows the queue from `start` and sends each batch to `out`, until `stop` or until nobody
/// takes batches any more. The poll in flight is dropped at once then: VK keeps what it held.
///
/// Fails only when VK refuses for good.
pub async fn follow(
    source: Source<'_>,
    health: &Health,
    metrics: &Fetching,
    start: Option<Ts>,
    out: mpsc::Sender<Received>,
    stop: &CancellationToken,
) -> Result<(), CallError> {
    let session = run(source, health, metrics, start, out);
    stop.run_until_cancelled(session).await.unwrap_or(Ok(()))
}

async fn run(
    source: Source<'_>,
    health: &Health,
    metrics: &Fetching,
    start: Option<Ts>,
    out: mpsc::Sender<Received>,
) -> Result<(), CallError> {
    let Source { api, long_poll, session_check } = source;
    if start.is_none() {
        tracing::info!("no position stored: starting with what VK sends from now on");
    }
    let mut servers = Servers::new(api, health);
    let mut check = SessionCheck::new(api, session_check);
    let mut polls = Backoff::network();
    let mut state = State::starting_at(start);
    // What VK is not asked for yet takes no memory.
    while let Ok(slot) = out.reserve().await {
        let asked = Instant::now();
        let (mut step, poll) = match state {
            State::Connecting(connecting) => {
                let (server, newest) = servers.ask().await?;
                check.restart();
                (connecting.granted(server, newest), None)
            }
            State::Polling(polling) => {
                let poll = long_poll.poll(&polling.server, polling.ts);
                let reply = check.beside(poll).await?;
                let from = polling.ts;
                let outcome = outcome(&reply, from);
                metrics.polls.get_or_create(&PollLabels { outcome }).inc();
                (polling.replied(reply), Some((from, outcome)))
            }
        };
        // VK holds a poll that has nothing to tell, and moves its position with what it tells; what does
        // not is not asked in a loop.
        let held = poll.map(|(from, _)| from);
        let is_fruitless =
            step.batch.as_ref().is_none_or(|it| it.updates.is_empty() || Some(it.ts) == held);
        if let Some(batch) = step.batch.take() {
            check.restart();
            slot.send(Received { batch, at: Instant::now() });
        }
        state = step.state;
        let Some((from, outcome)) = poll else { continue };
        if matches!(outcome, PollOutcome::Empty | PollOutcome::Updates) && is_fruitless {
            state = replace_silent(state, &mut check, metrics);
        }
        if let Some(reason) = &step.trouble {
            health.no_answer(Dependency::LongPoll, reason.reached, reason);
            servers.outage.fail();
            if servers.outage.is_loud() {
                let failures = servers.outage.failures();
                tracing::warn!(
                    %reason,
                    failures,
                    "poll failed; asking again from the same position"
                );
            }
            // A poll that VK held for longer has been pause enough.
            sleep_until(asked + polls.fail()).await;
            continue;
        }
        if matches!(state, State::Polling(_)) {
            health.ok(Dependency::LongPoll);
            metrics.answered();
            if outcome == PollOutcome::Empty {
                metrics.nothing_after(from.get());
            }
            servers.fruitless.reset();
            polls.reset();
            if let Some(over) = servers.outage.end() {
                tracing::info!("VK's Long Poll answers again, {over}");
            }
        }
        if is_fruitless {
            sleep_until(asked + FRUITLESS_POLL).await;
        }
    }
    Ok(())
}

/// Takes the server that a check has found, if VK's queue is beyond a poll that has just returned nothing
/// new.
fn replace_silent(state: State, check: &mut SessionCheck<'_>, metrics: &Fetching) -> State {
    let State::Polling(polling) = state else { return state };
    let Some((server, newest)) = check.found() else { return State::Polling(polling) };
    let (polling, is_silent) = polling.checked(server, newest);
    if is_silent {
        metrics.silent_sessions.inc();
        tracing::warn!(
            position = %polling.ts,
            %newest,
            "polls return nothing new though VK's queue has moved on: this Long Poll session is silent; \
             polling a new server from the same position, so that nothing is lost"
        );
    }
    State::Polling(polling)
}

/// What came of a poll from position `from`.
fn outcome(reply: &Reply, from: Ts) -> PollOutcome {
    match reply {
        Reply::Updates { ts, updates } if updates.is_empty() && *ts == from => PollOutcome::Empty,
        Reply::Updates { ts, .. } if *ts < from => PollOutcome::Unknown,
        Reply::Updates { .. } => PollOutcome::Updates,
        Reply::Outdated { .. } => PollOutcome::Outdated,
        Reply::KeyExpired => PollOutcome::KeyExpired,
        Reply::Lost => PollOutcome::Lost,
        Reply::Unknown { .. } => PollOutcome::Unknown,
        Reply::Malformed { .. } => PollOutcome::Malformed,
        Reply::Unreachable { .. } => PollOutcome::Unreachable,
    }
}

/// Where servers come from. Asking for them in a loop brings VK's error 29, so those that did not
/// lead to an answered poll count: each makes the pause before the next longer.
struct Servers<'a> {
    api: &'a Api,
    health: &'a Health,
    fruitless: Backoff,
    pause: Duration,
    /// Polls and askings without an answer since the last answered poll.
    outage: Outage,
}

impl<'a> Servers<'a> {
    fn new(api: &'a Api, health: &'a Health) -> Self {
        let fruitless = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        Self { api, health, fruitless, pause: Duration::ZERO, outage: Outage::default() }
    }

    /// A server and its newest position, however long it takes, unless VK refuses for good.
    async fn ask(&mut self) -> Result<(Server, Ts), CallError> {
        loop {
            let asked = self.fruitless.failures();
            if asked > 0 {
                if asked >= 2 {
                    let reason = format_args!(
                        "no poll of the last {asked} servers that VK named was answered"
                    );
                    self.health.failing(Dependency::LongPoll, reason);
                }
                if asked >= 3 && self.fruitless.is_loud() {
                    tracing::warn!(asked, "Long Poll servers that VK names are of no use");
                }
                tokio::time::sleep(self.pause).await;
            }
            self.pause = self.fruitless.fail();
            match self.api.long_poll_server().await {
                Ok(granted) => return Ok(granted),
                Err(error) if error.class() == Class::Permanent => return Err(error),
                Err(error) => {
                    self.health.no_answer(Dependency::LongPoll, error.reached(), &error);
                    self.outage.fail();
                    if self.outage.is_loud() {
                        let failures = self.outage.failures();
                        tracing::warn!(%error, failures, "no Long Poll server yet; asking again");
                    }
                }
            }
        }
    }
}
