//! The way of the data: fetcher, names, converter, bus. One direction, bounded, in order.
//!
//! Poll n + 1 runs while batch n waits for names and batch n - 1 commits. Where one of them is
//! held up, those before it wait, and VK's queue is the buffer.

mod complete;
mod prepare;
mod report;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, Committer, Halt, Refused, Tenure},
    config::Unrouted,
    converter::Rules,
    fetcher::{self, Told},
    health::Health,
    metrics::{Metrics, TenureEnd},
    names::Names,
    vk::{Api, CallError, LongPoll},
};
pub use complete::complete;
use prepare::{Prepared, prepare};
use report::Report;

/// Batches whose names are looked up at once.
const BATCHES_AHEAD: usize = 16;
/// How much text of updates is between VK's answer and its commit, in bytes. A larger answer goes alone.
const BYTES_AHEAD: u32 = 2 << 20;
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
    pub api: &'a Api,
    /// VK's Long Poll.
    pub long_poll: &'a LongPoll,
    /// Who is who.
    pub names: &'a Names,
    /// Who is told how things stand.
    pub health: &'a Health,
    /// What is counted.
    pub metrics: &'a Metrics,
    /// Where events go.
    pub bus: &'a Bus,
    /// How updates become events.
    pub rules: &'a Rules,
    /// Where the other updates go.
    pub unrouted: Unrouted,
}

/// Why the service cannot go on until the operator has acted.
#[derive(Debug, Error)]
pub enum Failure {
    /// VK refuses for good.
    #[error(transparent)]
    Vk(#[from] CallError),
    /// The bus refuses for good.
    #[error(transparent)]
    Bus(Halt),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Bus(Halt::Refused(refused))
    }
}

/// How a tenure ends where nobody has refused anything.
enum End {
    Stopped,
    StoodStill,
}

impl Pipeline<'_> {
    /// Runs until `stop`, or until VK or Redis refuse for good. Takes the lease first, begins at
    /// the committed position, and goes back to it whenever the bus says so.
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let mut report = Report::new(self.metrics, self.api.group_id());
        let result = tokio::select! {
            refusal = self.names.serve() => Err(refusal.into()),
            result = self.tenures(stop, &mut report) => result,
        };
        if tokio::time::timeout(RELEASE, self.bus.release()).await.is_err() {
            tracing::warn!("Redis does not take the lease back in time; it ends by itself");
        }
        let totals = &self.metrics.commits;
        tracing::info!(%totals, "stopped");
        result
    }

    async fn tenures(
        &self,
        stop: &CancellationToken,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        while let Some(tenure) = stop.run_until_cancelled(self.bus.acquire()).await {
            let tenure = tenure?;
            self.metrics.fetching.tenures.inc();
            let reason = match Box::pin(self.tenure(tenure, stop, report)).await {
                Err(Failure::Bus(halt @ (Halt::Fenced | Halt::Behind(_)))) => {
                    tracing::warn!("{halt}; going on from the position that Redis has");
                    if matches!(halt, Halt::Fenced) { TenureEnd::Fenced } else { TenureEnd::Behind }
                }
                Ok(End::StoodStill) => {
                    tracing::warn!(
                        "nothing has moved for too long though nobody has failed, which is a mistake in \
                         this service; fetching begins again from the position that Redis has"
                    );
                    self.health.begins_again();
                    TenureEnd::Stalled
                }
                Ok(End::Stopped) => return Ok(()),
                Err(failure) => return Err(failure),
            };
            self.metrics.fetching.tenure_ends.of(reason).inc();
        }
        Ok(())
    }

    /// Fetches, from one taking of the lease to its end.
    async fn tenure(
        &self,
        tenure: Tenure,
        stop: &CancellationToken,
        report: &mut Report<'_>,
    ) -> Result<End, Failure> {
        // A Redis that lost the position has lost the streams too; what this process committed
        // itself is still the best place to go on from.
        let start = tenure.position.map(|position| position.ts).or(report.committed);
        let (batches_in, batches) = mpsc::channel(1);
        let (contents_in, contents) = mpsc::channel(1);
        let work = async {
            tokio::try_join!(
                async {
                    Ok(fetcher::follow(
                        self.api,
                        self.long_poll,
                        self.health,
                        &self.metrics.fetching,
                        start,
                        batches_in,
                        stop,
                    )
                    .await?)
                },
                self.convert(batches, contents_in),
                commit(self.bus.committer(&tenure), contents, self.health, report),
            )
        };
        tokio::select! {
            result = work => result.map(|_| End::Stopped),
            () = self.standstill() => Ok(End::StoodStill),
            halt = self.bus.keep(&tenure) => Err(Failure::Bus(halt)),
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
            looks = if self.health.stands_still() { looks + 1 } else { 0 };
        }
    }

    /// Makes batches into contents, several at once, in order.
    async fn convert(
        &self,
        batches: mpsc::Receiver<Told>,
        out: mpsc::Sender<(Prepared, OwnedSemaphorePermit)>,
    ) -> Result<(), Failure> {
        let room = Arc::new(Semaphore::new(BYTES_AHEAD as usize));
        let batches = stream::unfold(batches, async |mut batches| {
            let told = batches.recv().await?;
            let size = told.batch.size().try_into().unwrap_or(BYTES_AHEAD).min(BYTES_AHEAD);
            let room = room.clone().acquire_many_owned(size).await.ok()?;
            Some(((told, room), batches))
        });
        let contents = batches
            .map(|(told, room)| {
                let metrics = &self.metrics.commits;
                let prepared =
                    prepare(told, self.names, self.rules, self.unrouted, self.bus, metrics);
                async { (prepared.await, room) }
            })
            .buffered(BATCHES_AHEAD);
        let mut contents = std::pin::pin!(contents);
        while let Some(content) = contents.next().await {
            if out.send(content).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

async fn commit(
    mut committer: Committer<'_>,
    mut contents: mpsc::Receiver<(Prepared, OwnedSemaphorePermit)>,
    health: &Health,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    while let Some((batch, _room)) = contents.recv().await {
        let begun = Instant::now();
        let repeats = committer.commit(&batch.content, batch.ts).await.map_err(Failure::Bus)?;
        health.committed();
        report.committed(&batch, repeats, begun.elapsed());
    }
    Ok(())
}

async fn grace(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
