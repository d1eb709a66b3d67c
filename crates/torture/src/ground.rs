//! The Redis of a phase, and how to connect to it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use harness::{Master, Proxy, RedisServer, SentinelSet};
use redis::aio::MultiplexedConnection;

/// A Redis deployment under test.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(crate) enum Ground {
    /// One server behind a proxy.
    Single {
        /// The server.
        server: RedisServer,
        /// The proxy between the service and the server.
        proxy: Proxy,
        /// Whether a killed server loses the end of its append-only file.
        forgetful: bool,
    },
    /// A master with a replica and Sentinels, without a proxy.
    Sentinels(SentinelSet),
}

/// How to connect to the current master, bypassing the proxy.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// The one server on this port.
    Port(u16),
    /// The master that the Sentinels name.
    Master(Master),
}

impl Ground {
    /// One server that fsyncs every commit before it replies.
    pub(crate) async fn always() -> anyhow::Result<Self> {
        Self::single("always", false).await
    }

    /// One server that fsyncs every second, and loses the end of its file when killed.
    pub(crate) async fn forgetful() -> anyhow::Result<Self> {
        Self::single("everysec", true).await
    }

    async fn single(fsync: &str, forgetful: bool) -> anyhow::Result<Self> {
        // Without rewrites, the whole history is in one file, which can be truncated.
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

    /// The address for the service's `bus.url`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Single { proxy, .. } => format!("redis://127.0.0.1:{}", proxy.port()),
            Self::Sentinels(set) => set.url(),
        }
    }

    /// How the test connects.
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

/// The append-only file of a server that never rewrites it.
#[derive(Debug)]
pub(crate) struct AppendFile(PathBuf);

impl AppendFile {
    /// The file in a server's data folder.
    pub(crate) fn of(folder: &Path) -> anyhow::Result<Self> {
        let entries = std::fs::read_dir(folder.join("appendonlydir"))
            .context("no appendonlydir; is this Redis 7 or newer?")?;
        let paths: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        let incremental = |path: &PathBuf| path.to_string_lossy().ends_with(".incr.aof");
        Ok(Self(paths.into_iter().find(incremental).context("no file to append to")?))
    }

    /// The file's length in bytes.
    pub(crate) fn len(&self) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(&self.0)?.len())
    }

    /// Truncates the file to `to` bytes.
    pub(crate) fn cut(&self, to: u64) -> anyhow::Result<()> {
        Ok(std::fs::OpenOptions::new().write(true).open(&self.0)?.set_len(to)?)
    }
}
