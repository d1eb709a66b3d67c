//! The Redis of a phase, and the ways to it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use harness::{Master, Proxy, RedisServer, SentinelSet};
use redis::aio::MultiplexedConnection;

/// A Redis set-up to be tortured.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(crate) enum Ground {
    /// One server behind a proxy.
    Single {
        /// The server.
        server: RedisServer,
        /// What stands between it and the service.
        proxy: Proxy,
        /// Whether a killed server comes back without the end of its file.
        forgetful: bool,
    },
    /// A master with a replica, watched by Sentinels; nothing in between.
    Sentinels(SentinelSet),
}

/// A way to the Redis that counts, past the proxy.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// The one server on this port.
    Port(u16),
    /// Whoever is the master.
    Master(Master),
}

impl Ground {
    /// One server that writes every commit to its disk before it answers.
    pub(crate) async fn always() -> anyhow::Result<Self> {
        Self::single("always", false).await
    }

    /// One server that writes to its disk every second, and has lost the end when it comes back.
    pub(crate) async fn forgetful() -> anyhow::Result<Self> {
        Self::single("everysec", true).await
    }

    async fn single(fsync: &str, forgetful: bool) -> anyhow::Result<Self> {
        // Without rewrites, the whole history is in the one file that is cut.
        let rewrite = ["--auto-aof-rewrite-percentage", "0"];
        let options = ["--save", "", "--appendonly", "yes", "--appendfsync", fsync];
        let server = RedisServer::with_options(&[&options[..], &rewrite].concat()).await?;
        let proxy = Proxy::before(server.port()).await?;
        Ok(Self::Single { server, proxy, forgetful })
    }

    /// A master, its replica and three Sentinels.
    pub(crate) async fn sentinels() -> anyhow::Result<Self> {
        Ok(Self::Sentinels(SentinelSet::start().await?))
    }

    /// The address for the service.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Single { proxy, .. } => format!("redis://127.0.0.1:{}", proxy.port()),
            Self::Sentinels(set) => set.url(),
        }
    }

    /// The way for who watches.
    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Single { server, .. } => Way::Port(server.port()),
            Self::Sentinels(set) => Way::Master(set.master()),
        }
    }
}

impl Way {
    /// A new connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        match self {
            Self::Port(port) => harness::connect(*port).await,
            Self::Master(master) => master.connect().await,
        }
    }
}

/// The file that a server appends to, as long as it was never rewritten.
#[derive(Debug)]
pub(crate) struct AppendFile(PathBuf);

impl AppendFile {
    /// The file of a server whose data folder this is.
    pub(crate) fn of(folder: &Path) -> anyhow::Result<Self> {
        let entries = std::fs::read_dir(folder.join("appendonlydir"))
            .context("no appendonlydir; is this Redis 7 or newer?")?;
        let paths: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        let incremental = |path: &PathBuf| path.to_string_lossy().ends_with(".incr.aof");
        Ok(Self(paths.into_iter().find(incremental).context("no file to append to")?))
    }

    /// Its bytes.
    pub(crate) fn len(&self) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(&self.0)?.len())
    }

    /// Cuts it to so many bytes.
    pub(crate) fn cut(&self, to: u64) -> anyhow::Result<()> {
        Ok(std::fs::OpenOptions::new().write(true).open(&self.0)?.set_len(to)?)
    }
}
