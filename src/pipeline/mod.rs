//! Connects the stages: fetcher, enricher, converter, bus. In one direction, bounded, in order.
//!
//! Poll n + 1 runs while batch n waits for look-ups and batch n - 1 is committed. A stage that waits makes the
//! stages before it wait, and VK's queue is the buffer.

mod convert;
mod report;

use std::{future::pending, panic::resume_unwind, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use strum::VariantArray;
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::yield_now,
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{Instrument, error_span};

use crate::{
    bus::{Bus, CommitError, Committer, LeaseTerm, PermanentError, Unrouted},
    converter::{Rejection, Rules},
    enrich::Enricher,
    event::EventType,
    fetcher::{self, Batch, Source},
    ops::{
        dependency::Dependency,
        health::Health,
        metrics::{LabelValues, LeaseTermEnd, LeaseTermEndLabels, Metrics},
        retry::Backoff,
        status::History,
    },
    ts::Ts,
    vk::{Api, CallError, ErrorClass, LongPoll, Method},
};
use convert::{Converted, UNROUTED, enrich};
use report::CommitReport;

/// The limit of batches between VK's answer and their commit.
const BATCHES_AHEAD: u32 = 64;
/// The limit of their size in bytes: of VK's answers, and as much again of the events made of them. A larger
/// batch goes alone.
const BYTES_AHEAD: u32 = 4 << 20;
/// The share of the smallest batch.
const LEAST: u32 = BYTES_AHEAD / BATCHES_AHEAD;
/// How long a stop waits for batches that are fetched and not committed. What is left is fetched again at the
/// next start.
const GRACE: Duration = Duration::from_secs(3);
/// After so many checks in a row, one a second, that find the work stalled, it is restarted.
const STALLED_CHECKS: u32 = 5;
/// How often an instance checks whether it has to stand by.
const STANDBY_CHECK: Duration = Duration::from_millis(500);
/// How long a stop waits for Redis to release the lease.
const RELEASE: Duration = Duration::from_secs(1);

/// The stages of the service and what they share.
pub struct Pipeline {
    /// VK's API.
    pub api: Arc<Api>,
    /// VK's Long Poll.
    pub long_poll: Arc<LongPoll>,
    /// After so long without a new update, VK is asked whether the session still follows the queue.
    pub session_check: Duration,
    /// Looks up names and cropped messages.
    pub enricher: Enricher,
    /// The state of the dependencies and of the work.
    pub health: Arc<Health>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The commits of the last hour.
    pub history: Arc<History>,
    /// Where events are committed.
    pub bus: Bus,
    /// The rules of conversion.
    pub rules: Rules,
    /// What happens to updates of other types.
    pub unrouted: Unrouted,
}

/// The values of metric labels that the stages use.
#[must_use]
pub fn label_values() -> LabelValues {
    LabelValues {
        event_types: EventType::ALL.map(EventType::as_str).to_vec(),
        dead_letter_reasons: Rejection::CODES.iter().copied().chain([UNROUTED]).collect(),
        vk_methods: Method::VARIANTS.iter().map(Into::into).collect(),
    }
}

/// A permanent error: the service ends, and the operator has to act.
#[derive(Debug, Error)]
pub enum Failure {
    /// VK returned a permanent error.
    #[error(transparent)]
    Vk(#[from] CallError),
    /// The bus returned a permanent error.
    #[error(transparent)]
    Bus(CommitError),
}

impl From<PermanentError> for Failure {
    fn from(error: PermanentError) -> Self {
        Self::Bus(CommitError::Permanent(error))
    }
}

/// How a lease term ends without an error.
enum End {
    Stopped,
    Stalled,
}

impl Pipeline {
    /// Runs until `stop`. Acquires the lease, starts at the committed position, and returns to it when the
    /// bus reports that the lease or the position is another.
    ///
    /// # Errors
    /// Fails with a permanent error of VK or of the bus.
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let mut report = CommitReport::new(&self.metrics, &self.history);
        let result = tokio::select! {
            error = self.enricher.run() => Err(error.into()),
            result = self.lease_terms(stop, &mut report) => result,
        };
        if tokio::time::timeout(RELEASE, self.bus.release()).await.is_err() {
            tracing::warn!("Redis does not release the lease in time; it expires by itself");
        }
        let totals = report.totals();
        tracing::info!(%totals, "stopped");
        result
    }

    async fn lease_terms(
        &self,
        stop: &CancellationToken,
        report: &mut CommitReport<'_>,
    ) -> Result<(), Failure> {
        while let Some(term) = stop.run_until_cancelled(self.acquire()).await {
            let term = term?;
            self.metrics.fetching.lease_terms.inc();
            let reason = match Box::pin(self.term(term, stop, report)).await {
                Err(Failure::Bus(error @ (CommitError::Fenced | CommitError::RolledBack(_)))) => {
                    tracing::warn!("{error}; continuing from the position in Redis");
                    if matches!(error, CommitError::Fenced) {
                        LeaseTermEnd::Fenced
                    } else {
                        LeaseTermEnd::RolledBack
                    }
                }
                Ok(End::Stalled) => {
                    tracing::warn!(
                        "no progress although no dependency fails, which is a bug in this service; \
                         restarting from the position in Redis"
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

    /// Acquires the lease. An instance that has to stand by shows its token to VK meanwhile.
    async fn acquire(&self) -> Result<LeaseTerm, Failure> {
        tokio::select! {
            term = self.bus.acquire() => Ok(term?),
            error = self.show_token() => Err(error.into()),
        }
    }

    /// Shows the token to VK once this instance stands by: one that VK rejects could not take over.
    /// Returns the error by which VK rejects it.
    async fn show_token(&self) -> CallError {
        while !self.health.has_token_to_show() {
            tokio::time::sleep(STANDBY_CHECK).await;
        }
        let mut backoff = Backoff::network();
        loop {
            match self.api.token_permissions().await {
                Err(error) if error.refuses_token() => return error,
                Err(error)
                    if matches!(error.class(), ErrorClass::Transient | ErrorClass::Throttled) =>
                {
                    self.health.no_answer(Dependency::LongPoll, error.reached(), &error);
                    let pause = backoff.fail();
                    if let Some(failures) = backoff.to_log() {
                        tracing::warn!(%error, failures, "VK has not checked the token of this standby; trying again");
                    }
                    tokio::time::sleep(pause).await;
                }
                // An error that is not about the token is an answer too.
                _ => {
                    self.health.token_accepted();
                    return pending().await;
                }
            }
        }
    }

    /// Works for one lease term.
    async fn term(
        &self,
        term: LeaseTerm,
        stop: &CancellationToken,
        report: &mut CommitReport<'_>,
    ) -> Result<End, Failure> {
        // If Redis lost the position, it lost the streams too: the last position that this process committed is
        // the best one to continue from.
        let start = term.position.map(|position| position.ts).or(report.committed);
        let (batch_sender, batches) = mpsc::channel(1);
        if let (None, Some(ts)) = (term.position, start) {
            // Redis has it again before the next update. The channel is empty.
            let _ = batch_sender.try_send(Batch::position_only(ts, None));
        }
        let (converted_sender, converted) = mpsc::channel(BATCHES_AHEAD as usize);
        let work = async {
            tokio::try_join!(
                self.fetch(start, batch_sender, stop),
                self.convert(batches, converted_sender),
                self.commit(self.bus.committer(&term), converted, report),
            )
        };
        tokio::select! {
            result = work => result.map(|_| End::Stopped),
            () = self.stalled() => Ok(End::Stalled),
            error = self.bus.keep(&term) => Err(Failure::Bus(error)),
            () = grace(stop) => {
                tracing::warn!("stopped before all fetched batches were committed; they are fetched again at the next start");
                Ok(End::Stopped)
            }
        }
    }

    /// Returns when the work has to be restarted. A process that was paused is stalled for a moment only, until
    /// the first answer.
    async fn stalled(&self) {
        let mut stalled = 0;
        while stalled < STALLED_CHECKS {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stalled = if self.health.is_stalled() { stalled + 1 } else { 0 };
        }
    }

    /// Polls in a separate task, so that receiving VK's answer does not wait for the conversion of batches.
    async fn fetch(
        &self,
        start: Option<Ts>,
        out: mpsc::Sender<Batch>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let (api, long_poll, health) =
            (self.api.clone(), self.long_poll.clone(), self.health.clone());
        let (metrics, stop) = (self.metrics.fetching.clone(), stop.clone());
        let session_check = self.session_check;
        let work = async move {
            let source = Source { api: &api, long_poll: &long_poll, session_check };
            let fetching = fetcher::follow(source, &health, &metrics, start, out);
            stop.run_until_cancelled(fetching).await.unwrap_or(Ok(()))
        };
        let fetching = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
        match fetching.await {
            Ok(result) => Ok(result?),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime shuts down, and this future is dropped.
                Err(_) => pending().await,
            },
        }
    }

    /// Converts batches, several at once, in order. Yields after each piece of work: the next commit must not
    /// wait until all that VK has is converted.
    async fn convert(
        &self,
        batches: mpsc::Receiver<Batch>,
        out: mpsc::Sender<(Batch<Converted>, MemoryPermits)>,
    ) -> Result<(), Failure> {
        let metrics = &self.metrics.commits;
        let raw = Arc::new(Semaphore::new(BYTES_AHEAD as usize));
        let batches = stream::unfold(batches, async |mut batches| {
            yield_now().await;
            // While no memory is left, the batch stays in the channel, and VK is not polled for another.
            let mut permit = raw.clone().acquire_many_owned(LEAST).await.ok()?;
            let batch = batches.recv().await?;
            let more = permits(batch.bytes()) - LEAST;
            permit.merge(raw.clone().acquire_many_owned(more).await.ok()?);
            Some(((batch, permit), batches))
        });
        let enriched = batches
            .map(|(batch, permit)| {
                let enriched = enrich(batch, &self.enricher, &self.rules, self.unrouted, metrics);
                async { (enriched.await, permit) }
            })
            .buffered(BATCHES_AHEAD as usize);
        let mut enriched = std::pin::pin!(enriched);
        // Events can be far larger than VK's answer, since each contains its names: only so many of them wait
        // for Redis. The permits are acquired in the order of the batches, and a commit releases them before
        // the next batch has to wait.
        let events = Arc::new(Semaphore::new(BYTES_AHEAD as usize));
        while let Some((batch, raw)) = enriched.next().await {
            let size = permits(batch.bytes());
            let Ok(events) = events.clone().acquire_many_owned(size).await else { break };
            let converted = batch.complete(&self.rules, &self.bus, metrics);
            if out.send((converted, MemoryPermits { raw, events })).await.is_err() {
                break;
            }
            yield_now().await;
        }
        Ok(())
    }

    async fn commit(
        &self,
        mut committer: Committer<'_>,
        mut converted: mpsc::Receiver<(Batch<Converted>, MemoryPermits)>,
        report: &mut CommitReport<'_>,
    ) -> Result<(), Failure> {
        while let Some((mut batch, _permits)) = ready(&mut converted, committer.max_events()).await
        {
            let (started, ts) = (Instant::now(), batch.ts);
            let commit = async {
                let duplicates = committer.commit(&mut batch.updates.content, ts).await?;
                self.health.committed();
                report.committed(&batch, duplicates, started.elapsed());
                Ok(())
            };
            commit.instrument(error_span!("commit", %ts)).await.map_err(Failure::Bus)?;
        }
        Ok(())
    }
}

/// The share of [`BYTES_AHEAD`] for a batch of `bytes`.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(BYTES_AHEAD).clamp(LEAST, BYTES_AHEAD)
}

/// The memory that a batch needs until it is committed.
struct MemoryPermits {
    raw: OwnedSemaphorePermit,
    events: OwnedSemaphorePermit,
}

impl MemoryPermits {
    fn merge(&mut self, other: Self) {
        self.raw.merge(other.raw);
        self.events.merge(other.events);
    }
}

/// The next batch, joined with those after it that are ready, up to `enough` updates: while Redis executes one
/// commit, batches gather for the next.
async fn ready(
    converted: &mut mpsc::Receiver<(Batch<Converted>, MemoryPermits)>,
    enough: usize,
) -> Option<(Batch<Converted>, MemoryPermits)> {
    let (mut batch, mut permits) = converted.recv().await?;
    while batch.updates.content.size() < enough
        && let Ok((next, next_permits)) = converted.try_recv()
    {
        batch.append(next);
        permits.merge(next_permits);
    }
    Some((batch, permits))
}

async fn grace(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
