//! The way of the data: fetcher, names, converter, bus. One direction, bounded, in order.
//!
//! Poll n + 1 runs while batch n waits for names and batch n - 1 commits. Where one of them is
//! held up, those before it wait, and VK's queue is the buffer.

mod complete;
mod prepare;
mod totals;

use std::time::Duration;

use futures::{StreamExt, stream};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, Committer, Content, Halt, Refused, Tenure},
    config::Unrouted,
    converter::Rules,
    fetcher::{self, Batch},
    health::Health,
    names::Names,
    ts::Ts,
    vk::{Api, CallError, LongPoll},
};
pub use complete::complete;
use prepare::prepare;
use totals::Totals;

/// Batches whose names are looked up at once.
const BATCHES_AHEAD: usize = 16;
/// How long a stop waits for batches that VK has answered already. Whatever is left is fetched
/// again at the next start.
const GRACE: Duration = Duration::from_secs(3);
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

impl Pipeline<'_> {
    /// Runs until `stop`, or until VK or Redis refuse for good. Takes the lease first, begins at
    /// the committed position, and goes back to it whenever the bus says so.
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let mut totals = Totals::default();
        let result = tokio::select! {
            refusal = self.names.serve() => Err(refusal.into()),
            result = self.tenures(stop, &mut totals) => result,
        };
        if tokio::time::timeout(RELEASE, self.bus.release()).await.is_err() {
            tracing::warn!("Redis does not take the lease back in time; it ends by itself");
        }
        tracing::info!(%totals, "stopped");
        result
    }

    async fn tenures(&self, stop: &CancellationToken, totals: &mut Totals) -> Result<(), Failure> {
        while let Some(tenure) = stop.run_until_cancelled(self.bus.acquire()).await {
            match self.tenure(tenure?, stop, totals).await {
                Err(Failure::Bus(halt @ (Halt::Fenced | Halt::Behind(_)))) => {
                    tracing::warn!("{halt}; going on from the position that Redis has");
                }
                result => return result,
            }
        }
        Ok(())
    }

    /// Fetches, from one taking of the lease to its end.
    async fn tenure(
        &self,
        tenure: Tenure,
        stop: &CancellationToken,
        totals: &mut Totals,
    ) -> Result<(), Failure> {
        // A Redis that lost the position has lost the streams too; what this process committed
        // itself is still the best place to go on from.
        let start = tenure.position.map(|position| position.ts).or(totals.committed);
        let (batches_in, batches) = mpsc::channel(1);
        let (contents_in, contents) = mpsc::channel(1);
        let work = async {
            tokio::try_join!(
                async {
                    Ok(fetcher::follow(
                        self.api,
                        self.long_poll,
                        self.health,
                        start,
                        batches_in,
                        stop,
                    )
                    .await?)
                },
                self.convert(batches, contents_in),
                commit(self.bus.committer(&tenure), contents, totals),
            )
        };
        tokio::select! {
            result = work => result.map(|_| ()),
            halt = self.bus.keep(&tenure) => Err(Failure::Bus(halt)),
            () = grace(stop) => {
                tracing::warn!("stopped with batches on the way; they are fetched again at the next start");
                Ok(())
            }
        }
    }

    /// Makes batches into contents, several at once, in order.
    async fn convert(
        &self,
        batches: mpsc::Receiver<Batch>,
        out: mpsc::Sender<(Content, Ts)>,
    ) -> Result<(), Failure> {
        let batches = stream::unfold(batches, async |mut batches| {
            batches.recv().await.map(|batch| (batch, batches))
        });
        let contents = batches
            .map(|batch| prepare(batch, self.names, self.rules, self.unrouted, self.bus))
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
    mut contents: mpsc::Receiver<(Content, Ts)>,
    totals: &mut Totals,
) -> Result<(), Failure> {
    while let Some((content, ts)) = contents.recv().await {
        let repeats = committer.commit(&content, ts).await.map_err(Failure::Bus)?;
        totals.add(&content, repeats, ts);
    }
    Ok(())
}

async fn grace(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
