//! The way of the data: fetcher, names, converter, bus. One direction, bounded, in order.
//!
//! Poll n + 1 runs while batch n waits for names and batch n - 1 commits. Where one of them is
//! held up, those before it wait, and VK's queue is the buffer.

mod complete;
mod prepare;
mod report;

use std::{future::pending, panic::resume_unwind, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::yield_now,
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    bus::{Bus, CommitError, Committer, LeaseTerm, PermanentError, Unrouted},
    converter::{Rejection, Rules},
    enrich::Enricher,
    event::EventType,
    fetcher::{self, Received, Source},
    ops::{
        health::Health,
        metrics::{LabelValues, LeaseTermEnd, LeaseTermEndLabels, Metrics},
        status::History,
    },
    ts::Ts,
    vk::{Api, CallError, LongPoll, Method},
};
pub use complete::complete;
use prepare::{Prepared, UNROUTED, prepare};
use report::Report;

/// How many batches are between VK's answer and their commit ...
const BATCHES_AHEAD: u32 = 64;
/// ... and of what size, in bytes: of VK's answers, and once more of what is made of those whose names are
/// known. A larger one goes alone.
const BYTES_AHEAD: u32 = 4 << 20;
/// How long a stop waits for batches that VK has answered already. Whatever is left is fetched
/// again at the next start.
const GRACE: Duration = Duration::from_secs(3);
/// How many times within as many seconds the work is found to stand still before it is begun again.
const STANDSTILL: u32 = 5;
/// How long a stop waits for Redis to take the lease back.
const RELEASE: Duration = Duration::from_secs(1);

/// Everything that the service is made of.
pub struct Pipeline<'a> {
    /// VK's API.
    pub api: &'a Arc<Api>,
    /// VK's Long Poll.
    pub long_poll: &'a Arc<LongPoll>,
    /// After so long without a new update, VK is asked whether the session still follows the queue.
    pub session_check: Duration,
    /// Who is who.
    pub names: &'a Enricher,
    /// Who is told how things stand.
    pub health: &'a Arc<Health>,
    /// What is counted.
    pub metrics: &'a Metrics,
    /// What is kept of the last hour.
    pub history: &'a History,
    /// Where events go.
    pub bus: &'a Bus,
    /// How updates become events.
    pub rules: &'a Rules,
    /// Where the other updates go.
    pub unrouted: Unrouted,
}

/// The label values that the stages pass to their metrics.
#[must_use]
pub fn label_values() -> LabelValues {
    LabelValues {
        event_types: EventType::ALL.map(EventType::as_str).to_vec(),
        dead_letter_reasons: Rejection::CODES.iter().copied().chain([UNROUTED]).collect(),
        vk_methods: Method::ALL.iter().map(|method| method.as_str()).collect(),
    }
}

/// Why the service cannot go on until the operator has acted.
#[derive(Debug, Error)]
pub enum Failure {
    /// VK refuses for good.
    #[error(transparent)]
    Vk(#[from] CallError),
    /// The bus refuses for good.
    #[error(transparent)]
    Bus(CommitError),
}

impl From<PermanentError> for Failure {
    fn from(error: PermanentError) -> Self {
        Self::Bus(CommitError::Permanent(error))
    }
}

/// How a term ends where nobody has refused anything.
enum End {
    Stopped,
    StoodStill,
}

impl Pipeline<'_> {
    /// Runs until `stop`, or until VK or Redis refuse for good. Takes the lease first, begins at
    /// the committed position, and goes back to it whenever the bus says so.
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let mut report = Report::new(self.metrics, self.history, self.api.group_id());
        let result = tokio::select! {
            refusal = self.names.serve() => Err(refusal.into()),
            result = self.lease_terms(stop, &mut report) => result,
        };
        if tokio::time::timeout(RELEASE, self.bus.release()).await.is_err() {
            tracing::warn!("Redis does not take the lease back in time; it ends by itself");
        }
        let totals = report.totals();
        tracing::info!(%totals, "stopped");
        result
    }

    async fn lease_terms(
        &self,
        stop: &CancellationToken,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        while let Some(term) = stop.run_until_cancelled(self.bus.acquire()).await {
            let term = term?;
            self.metrics.fetching.lease_terms.inc();
            let reason = match Box::pin(self.term(term, stop, report)).await {
                Err(Failure::Bus(halt @ (CommitError::Fenced | CommitError::RolledBack(_)))) => {
                    tracing::warn!("{halt}; going on from the position that Redis has");
                    if matches!(halt, CommitError::Fenced) {
                        LeaseTermEnd::Fenced
                    } else {
                        LeaseTermEnd::RolledBack
                    }
                }
                Ok(End::StoodStill) => {
                    tracing::warn!(
                        "nothing has moved for too long though nobody has failed, which is a mistake in \
                         this service; fetching begins again from the position that Redis has"
                    );
                    self.health.restarted();
                    LeaseTermEnd::Stalled
                }
                Ok(End::Stopped) => return Ok(()),
                Err(failure) => return Err(failure),
            };
            let ends = &self.metrics.fetching.lease_term_ends;
            ends.get_or_create(&LeaseTermEndLabels { reason }).inc();
        }
        Ok(())
    }

    /// Fetches, from one taking of the lease to its end.
    async fn term(
        &self,
        term: LeaseTerm,
        stop: &CancellationToken,
        report: &mut Report<'_>,
    ) -> Result<End, Failure> {
        // A Redis that lost the position has lost the streams too; what this process committed
        // itself is still the best place to go on from.
        let start = term.position.map(|position| position.ts).or(report.committed);
        let (batches_in, batches) = mpsc::channel(1);
        let (contents_in, contents) = mpsc::channel(BATCHES_AHEAD as usize);
        let work = async {
            tokio::try_join!(
                self.fetch(start, batches_in, stop),
                self.convert(batches, contents_in),
                commit(self.bus.committer(&term), contents, self.health, report),
            )
        };
        tokio::select! {
            result = work => result.map(|_| End::Stopped),
            () = self.standstill() => Ok(End::StoodStill),
            halt = self.bus.keep(&term) => Err(Failure::Bus(halt)),
            () = grace(stop) => {
                tracing::warn!("stopped with batches on the way; they are fetched again at the next start");
                Ok(End::Stopped)
            }
        }
    }

    /// Ends when the work should be begun again. A process that was only paused finds itself late for
    /// a moment, until the first answer.
    async fn standstill(&self) {
        let mut looks = 0;
        while looks < STANDSTILL {
            tokio::time::sleep(Duration::from_secs(1)).await;
            looks = if self.health.is_stalled() { looks + 1 } else { 0 };
        }
    }

    /// Polls on a task of its own, so that no piece of VK's answer waits behind the conversion of those
    /// before.
    async fn fetch(
        &self,
        start: Option<Ts>,
        out: mpsc::Sender<Received>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let (api, long_poll, health) =
            (self.api.clone(), self.long_poll.clone(), self.health.clone());
        let (metrics, stop) = (self.metrics.fetching.clone(), stop.clone());
        let session_check = self.session_check;
        let fetching = AbortOnDropHandle::new(tokio::spawn(async move {
            let source = Source { api: &api, long_poll: &long_poll, session_check };
            fetcher::follow(source, &health, &metrics, start, out, &stop).await
        }));
        match fetching.await {
            Ok(result) => Ok(result?),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime ends, and this with it.
                Err(_) => pending().await,
            },
        }
    }

    /// Makes batches into contents, several at once, in order. After each piece of work others get
    /// their turn: Redis must not wait for the next commit until all that VK has is converted.
    async fn convert(
        &self,
        batches: mpsc::Receiver<Received>,
        out: mpsc::Sender<(Prepared, Room)>,
    ) -> Result<(), Failure> {
        let room = Arc::new(Semaphore::new(BYTES_AHEAD as usize));
        let batches = stream::unfold(batches, async |mut batches| {
            yield_now().await;
            let told = batches.recv().await?;
            let size = permits(told.batch.size());
            let room = room.clone().acquire_many_owned(size).await.ok()?;
            Some(((told, room), batches))
        });
        let named = batches
            .map(|(told, room)| {
                let metrics = &self.metrics.commits;
                let named = prepare(told, self.names, self.rules, self.unrouted, metrics);
                async { (named.await, room) }
            })
            .buffered(BATCHES_AHEAD as usize);
        let mut named = std::pin::pin!(named);
        // What is made of a batch can be far larger than VK's answer, since each event has its names: only
        // so much of it waits for Redis. Taken in the batches' order, it is free again before the next
        // batch can be waited for.
        let made = Arc::new(Semaphore::new(BYTES_AHEAD as usize));
        while let Some((batch, room)) = named.next().await {
            let size = permits(batch.bytes());
            let Ok(made) = made.clone().acquire_many_owned(size).await else { break };
            let prepared = batch.finish(self.rules, self.bus, &self.metrics.commits);
            if out.send((prepared, Room { told: room, made })).await.is_err() {
                break;
            }
            yield_now().await;
        }
        Ok(())
    }
}

/// The share of [`BYTES_AHEAD`] that so many bytes take.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(BYTES_AHEAD).clamp(BYTES_AHEAD / BATCHES_AHEAD, BYTES_AHEAD)
}

/// The memory that a batch takes until it is committed.
struct Room {
    told: OwnedSemaphorePermit,
    made: OwnedSemaphorePermit,
}

impl Room {
    fn merge(&mut self, other: Self) {
        self.told.merge(other.told);
        self.made.merge(other.made);
    }
}

async fn commit(
    mut committer: Committer<'_>,
    mut contents: mpsc::Receiver<(Prepared, Room)>,
    health: &Health,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    while let Some((batches, _room)) = ready(&mut contents, committer.max_events()).await {
        let begun = Instant::now();
        let repeats = committer.commit(&batches.content, batches.ts).await.map_err(Failure::Bus)?;
        health.committed();
        report.committed(&batches, repeats, begun.elapsed());
    }
    Ok(())
}

/// The next batch, with those after it that are ready as well until there are `enough` updates: while
/// Redis takes one commit, the next gathers.
async fn ready(
    contents: &mut mpsc::Receiver<(Prepared, Room)>,
    enough: usize,
) -> Option<(Prepared, Room)> {
    let (mut batches, mut room) = contents.recv().await?;
    while batches.content.size() < enough
        && let Ok((next, its_room)) = contents.try_recv()
    {
        batches.append(next);
        room.merge(its_room);
    }
    Some((batches, room))
}

async fn grace(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
