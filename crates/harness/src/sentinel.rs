//! A Redis master, its replica, and Sentinels.

use std::time::Duration;

use anyhow::{Context, bail};
use redis::aio::MultiplexedConnection;
use tokio::time::{Instant, sleep};

use crate::{RedisServer, connect};

/// The master's name in the Sentinels' configuration.
const NAME: &str = "toaster";
/// The number of Sentinels; the quorum is two.
const SENTINELS: usize = 3;
/// How long the Sentinels may take to discover each other and the replica.
const DEADLINE: Duration = Duration::from_secs(30);

/// Two Redis servers, one of them the master, and three Sentinels.
#[derive(Debug)]
pub struct SentinelSet {
    /// The two servers. Either may be the master.
    pub nodes: [RedisServer; 2],
    sentinels: Vec<RedisServer>,
}

/// Finds the current master.
#[derive(Debug, Clone)]
pub struct Master {
    sentinels: Vec<u16>,
}

impl SentinelSet {
    /// Starts all five and waits until a failover would be possible.
    pub async fn start() -> anyhow::Result<Self> {
        let options = ["--appendonly", "yes", "--repl-diskless-sync-delay", "0"];
        let nodes = [
            RedisServer::with_options(&options).await?,
            RedisServer::with_options(&options).await?,
        ];
        let port = nodes[0].port();
        let mut replica = nodes[1].connect().await?;
        redis::cmd("REPLICAOF").arg("127.0.0.1").arg(port).exec_async(&mut replica).await?;
        redis::cmd("CONFIG").arg("REWRITE").exec_async(&mut replica).await?;
        let config = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} 2\n\
             sentinel down-after-milliseconds {NAME} 700\n\
             sentinel failover-timeout {NAME} 3000\n"
        );
        let mut sentinels = Vec::with_capacity(SENTINELS);
        for _ in 0..SENTINELS {
            sentinels.push(RedisServer::with_config(&config, &["--sentinel"]).await?);
        }
        let set = Self { nodes, sentinels };
        set.is_ready().await?;
        Ok(set)
    }

    /// The address as `bus.url` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port()))
            .collect();
        format!("redis+sentinel://{}/{NAME}", hosts.join(","))
    }

    /// Finds the current master, independently of this value.
    #[must_use]
    pub fn master(&self) -> Master {
        Master { sentinels: self.sentinels.iter().map(RedisServer::port).collect() }
    }

    /// Requests a failover although the master works. Sentinels may refuse, for instance shortly after the
    /// last one.
    pub async fn fail_over(&self) -> anyhow::Result<()> {
        let mut sentinel = self.sentinels[0].connect().await?;
        Ok(redis::cmd("SENTINEL").arg("FAILOVER").arg(NAME).exec_async(&mut sentinel).await?)
    }

    async fn is_ready(&self) -> anyhow::Result<()> {
        let end = Instant::now() + DEADLINE;
        for sentinel in &self.sentinels {
            let mut connection = sentinel.connect().await?;
            loop {
                let flags: std::collections::BTreeMap<String, String> = redis::cmd("SENTINEL")
                    .arg("MASTER")
                    .arg(NAME)
                    .query_async(&mut connection)
                    .await?;
                let number = |key: &str| flags.get(key).and_then(|text| text.parse::<usize>().ok());
                if number("num-slaves") >= Some(1)
                    && number("num-other-sentinels") >= Some(SENTINELS - 1)
                {
                    break;
                }
                if Instant::now() > end {
                    bail!("the Sentinels do not find each other: {flags:?}");
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }
}

impl Master {
    /// The master's port, from the first Sentinel that replies.
    pub async fn port(&self) -> anyhow::Result<u16> {
        let mut problem = None;
        for sentinel in &self.sentinels {
            match ask(*sentinel).await {
                Ok(port) => return Ok(port),
                Err(error) => problem = Some(error),
            }
        }
        Err(problem.context("no Sentinels")?)
    }

    /// A connection to the master.
    pub async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        connect(self.port().await?).await
    }
}

async fn ask(sentinel: u16) -> anyhow::Result<u16> {
    let mut connection = connect(sentinel).await?;
    let (_, port): (String, u16) = redis::cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(NAME)
        .query_async(&mut connection)
        .await?;
    Ok(port)
}
