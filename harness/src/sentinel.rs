//! A Redis Sentinel as a child process.

use std::process::Stdio;

use anyhow::Context;
use redis::{Client, FromRedisValue, aio::MultiplexedConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{RedisServer, until};

/// A sentinel on a free port of 127.0.0.1 that decides by itself. It calls its master `toaster`.
#[derive(Debug)]
pub struct Sentinel {
    port: u16,
    _process: Child,
    _folder: TempDir,
}

impl Sentinel {
    /// Starts a sentinel that watches `master`, and takes half a second of silence for its death.
    pub async fn watching(master: &RedisServer) -> anyhow::Result<Self> {
        let port = crate::free_port()?;
        let folder = TempDir::new()?;
        let file = folder.path().join("sentinel.conf");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor toaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds toaster 500\nsentinel failover-timeout toaster 2000\n",
            master.port(),
        );
        std::fs::write(&file, settings)?;
        let process = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("redis-server cannot be started; is it installed?")?;
        let sentinel = Self { port, _process: process, _folder: folder };
        until("a sentinel answers", async || sentinel.connect().await.is_ok()).await?;
        Ok(sentinel)
    }

    /// The sentinel's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the sentinel has heard of a replica that could take over.
    pub async fn knows_replica(&self) -> anyhow::Result<()> {
        until("a sentinel knows a replica", async || {
            self.ask::<Vec<redis::Value>>("REPLICAS").await.is_ok_and(|known| !known.is_empty())
        })
        .await
    }

    async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    async fn ask<T: FromRedisValue>(&self, what: &str) -> anyhow::Result<T> {
        let mut connection = self.connect().await?;
        let mut question = redis::cmd("SENTINEL");
        Ok(question.arg(what).arg("toaster").query_async(&mut connection).await?)
    }
}
