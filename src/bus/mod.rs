//! The bus: where events go, and where the position is kept with them.

mod config;
mod connect;
mod content;
mod dead_letters;
mod durability;
mod endless;
mod entry_id;
mod error;
mod keys;
mod link;
mod pickle;
mod pickle_classes;
pub mod preflight;
mod redis;
mod scripts;
mod snapshot;
mod stdout;
mod url;
mod version;

use std::{future::pending, sync::Arc};

use thiserror::Error;

use self::redis::Committer as RedisCommitter;
pub use self::redis::RedisBus;
use crate::{
    event::Event,
    ops::{
        health::{Health, Role},
        metrics::Commits,
    },
    ts::Ts,
};
pub use config::{Config, Delivery, Durability, Encoding, EventNames, Pubsub, Tls, Unrouted};
pub use connect::{Connection, Server};
pub use content::{Content, DeadLetter, Entry};
pub use dead_letters::{DeadLetters, Letter, Requeued, Requeuer};
pub use entry_id::EntryId;
pub use error::{Advice, PermanentError};
pub use keys::Keys;
pub use pickle::pickle;
pub use pickle_classes::PickleClasses;
pub use snapshot::SnapshotReader;
pub use url::{BusUrl, RedisUrl, Topology};
pub use version::{Nodes, ServerVersion};

/// Where the fetcher is: everything up to `ts` is on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Counts the commits, so that no two positions of a community are alike, even where VK's
    /// `ts` goes back.
    pub generation: u64,
    /// VK's position.
    pub ts: Ts,
}

/// The right to fetch for a community, and where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerm {
    /// Counts the tenures of a community; a commit of an older one is refused.
    pub epoch: u64,
    /// The committed position; none before the very first commit.
    pub position: Option<Position>,
}

/// Why commits cannot go on.
#[derive(Debug, Error)]
pub enum CommitError {
    /// Another instance took the lease.
    #[error("another instance fetches for this community now")]
    Fenced,
    /// Redis came back with an older state; fetching goes on from there.
    #[error("Redis is at an older position than was committed: {0:?}")]
    Behind(Option<Position>),
    /// Redis refuses for good.
    #[error(transparent)]
    Permanent(#[from] PermanentError),
    /// Nobody reads standard output any more.
    #[error("standard output is closed: {0}")]
    Closed(#[from] std::io::Error),
}

/// A way for events to go.
pub enum Bus {
    /// Streams and channels of Redis.
    Redis(Box<RedisBus>),
    /// JSON lines on standard output; no position is kept.
    Stdout,
}

impl Bus {
    /// The bus of a community; nothing is connected yet.
    pub fn new(
        settings: &Config,
        group_id: i64,
        health: Arc<Health>,
        metrics: Commits,
    ) -> anyhow::Result<Self> {
        Ok(match &settings.url {
            BusUrl::Stdout => {
                health.role(Role::Fetching);
                Self::Stdout
            }
            BusUrl::Redis(url) => {
                Self::Redis(Box::new(RedisBus::new(url, settings, group_id, health, metrics)?))
            }
        })
    }

    /// Waits for the right to fetch. Another instance may hold it for as long as it lives.
    pub async fn acquire(&self) -> Result<LeaseTerm, PermanentError> {
        match self {
            Self::Redis(bus) => bus.acquire().await,
            Self::Stdout => Ok(LeaseTerm { epoch: 0, position: None }),
        }
    }

    /// Keeps that right while polled; ends when it is lost.
    pub async fn keep(&self, term: &LeaseTerm) -> CommitError {
        match self {
            Self::Redis(bus) => bus.keep(term.epoch).await,
            Self::Stdout => pending().await,
        }
    }

    /// Who can tell how the bus stands; none where there is no Redis.
    #[must_use]
    pub fn snapshot_reader(&self) -> Option<SnapshotReader> {
        match self {
            Self::Redis(bus) => Some(bus.snapshot_reader()),
            Self::Stdout => None,
        }
    }

    /// Gives that right back.
    pub async fn release(&self) {
        if let Self::Redis(bus) = self {
            bus.release().await;
        }
    }

    /// The entry of an event, in the forms in which this bus carries it.
    #[must_use]
    pub fn entry(&self, event: &Event, unique: bool) -> Entry {
        match self {
            Self::Redis(bus) => bus.entry(event, unique),
            Self::Stdout => Entry::new(event, unique),
        }
    }

    /// The way to commit within a term.
    #[must_use]
    pub fn committer(&self, term: &LeaseTerm) -> Committer<'_> {
        match self {
            Self::Redis(bus) => Committer(Some(bus.committer(term))),
            Self::Stdout => Committer(None),
        }
    }
}

/// Commits batches in the order of the calls.
pub struct Committer<'a>(Option<RedisCommitter<'a>>);

impl Committer<'_> {
    /// How many events and dead letters are enough for one commit: what is more is better put into the
    /// next.
    #[must_use]
    pub fn enough(&self) -> usize {
        self.0.as_ref().map_or(1, RedisCommitter::enough)
    }

    /// Puts a batch and the position `ts` after it on the bus, both or neither, and tells how many
    /// of its events were repeats and dropped.
    ///
    /// Waits while Redis is away. The future must not be dropped and the call repeated: a dropped
    /// commit may have happened.
    pub async fn commit(&mut self, content: &Content, ts: Ts) -> Result<u64, CommitError> {
        match &mut self.0 {
            Some(committer) => committer.commit(content, ts).await,
            None => Ok(stdout::print(content).map(|()| 0)?),
        }
    }
}
