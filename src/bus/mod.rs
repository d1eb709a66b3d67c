//! The bus: delivers events to Redis, and keeps the position with them.

mod commit;
mod config;
mod connector;
mod content;
mod dead_letters;
mod durability;
mod error;
mod keys;
mod lease;
mod names;
mod pickle;
pub mod preflight;
mod redis_bus;
mod retrying;
mod scripts;
mod snapshot;
mod url;
mod version;

use std::{
    future::pending,
    io::{self, Write},
    sync::Arc,
};

use self::commit::RedisCommitter;
use crate::{
    event::Event,
    ops::{health::Health, metrics::Commits},
    ts::Ts,
};
pub use config::{Config, Delivery, Durability, Encoding, EventNames, Pubsub, Tls, Unrouted};
pub use connector::{Connection, Connector};
pub use content::{Content, DeadLetter, StreamEntry};
pub use dead_letters::{DeadLetters, Letter, Requeued, Requeuer};
use error::Advice;
pub use error::{CommitError, PermanentError};
pub use keys::{EntryId, Keys};
pub use names::{NameStore, NameStoreSettings, StoredName, forget_names};
pub use pickle::{PickleClasses, Version as PickleVersion, pickle};
pub use redis_bus::RedisBus;
pub use snapshot::SnapshotReader;
pub use url::{BusUrl, RedisUrl, Topology};
use version::{Nodes, ServerVersion};

/// A committed position: everything up to `ts` is on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The number of commits so far. It makes positions unique, since VK's `ts` may go back.
    pub generation: u64,
    /// VK's position.
    pub ts: Ts,
}

/// A lease term: from acquiring the lease until it is released or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerm {
    /// The number of lease terms so far, which is the fencing token: Redis rejects commits of earlier
    /// terms.
    pub epoch: u64,
    /// The committed position to start from; none before the first commit.
    pub position: Option<Position>,
}

/// Where events are delivered.
pub enum Bus {
    /// To streams and channels of Redis.
    Redis(Box<RedisBus>),
    /// To standard output, as JSON lines. No position is kept.
    Stdout,
}

impl Bus {
    /// The bus of a community. Does not connect yet.
    ///
    /// # Errors
    /// A certificate file cannot be read or used.
    pub fn new(
        settings: &Config,
        group_id: i64,
        health: Arc<Health>,
        metrics: Commits,
    ) -> anyhow::Result<Self> {
        Ok(match &settings.url {
            BusUrl::Stdout => {
                health.acquired(false);
                Self::Stdout
            }
            BusUrl::Redis(url) => {
                Self::Redis(Box::new(RedisBus::new(url, settings, group_id, health, metrics)?))
            }
        })
    }

    /// Acquires the lease. Waits as long as another instance holds it.
    ///
    /// # Errors
    /// Redis returned a permanent error.
    pub async fn acquire(&self) -> Result<LeaseTerm, PermanentError> {
        match self {
            Self::Redis(bus) => bus.acquire().await,
            Self::Stdout => Ok(LeaseTerm { epoch: 0, position: None }),
        }
    }

    /// Renews the lease while polled. Returns why the lease term ended.
    pub async fn keep(&self, term: &LeaseTerm) -> CommitError {
        match self {
            Self::Redis(bus) => bus.keep(term.epoch).await,
            Self::Stdout => pending().await,
        }
    }

    /// A reader of the bus' state; none without Redis.
    #[must_use]
    pub fn snapshot_reader(&self) -> Option<SnapshotReader> {
        match self {
            Self::Redis(bus) => Some(bus.snapshot_reader()),
            Self::Stdout => None,
        }
    }

    /// Releases the lease.
    pub async fn release(&self) {
        if let Self::Redis(bus) = self {
            bus.release().await;
        }
    }

    /// Encodes an event as this bus carries it.
    #[must_use]
    pub fn entry(&self, event: &Event, unique: bool) -> StreamEntry {
        match self {
            Self::Redis(bus) => bus.scripts.entry(event, unique),
            Self::Stdout => StreamEntry::new(event, unique),
        }
    }

    /// A committer for a lease term.
    #[must_use]
    pub fn committer(&self, term: &LeaseTerm) -> Committer<'_> {
        match self {
            Self::Redis(bus) => Committer(Some(RedisCommitter::new(bus, term))),
            Self::Stdout => Committer(None),
        }
    }
}

/// Commits batches in the order of the calls.
pub struct Committer<'a>(Option<RedisCommitter<'a>>);

impl Committer<'_> {
    /// The number of events and dead letters beyond which batches are better committed separately.
    #[must_use]
    pub fn max_events(&self) -> usize {
        self.0.as_ref().map_or(1, RedisCommitter::max_events)
    }

    /// Commits a batch and the position `ts` after it, both or neither. Returns the number of duplicates
    /// dropped.
    ///
    /// Moves the texts of events and dead letters out of `content`, so that they are in memory only once;
    /// their ids, types and reasons stay.
    ///
    /// Retries transient errors of Redis without limit. Do not drop the future and call again: a
    /// dropped commit may have been applied.
    ///
    /// # Errors
    /// The lease term ended, Redis was rolled back, or a permanent error occurred.
    pub async fn commit(&mut self, content: &mut Content, ts: Ts) -> Result<u64, CommitError> {
        match &mut self.0 {
            Some(committer) => committer.commit(content, ts).await,
            None => Ok(print(content).map(|()| 0)?),
        }
    }
}

/// Prints the events of a batch as JSON lines.
fn print(content: &Content) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for entry in &content.entries {
        out.write_all(entry.data.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    for letter in &content.dead_letters {
        tracing::warn!(reason = letter.reason, "an update could not become an event");
    }
    Ok(())
}
