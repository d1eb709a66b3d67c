//! What tests and the demo run event-fetcher with: a Redis of its own, the service as a process,
//! and a look at what is on the bus.

mod bus;
mod redis_cluster;
mod redis_server;
mod sentinel;
mod service;

pub use bus::{Bus, Entry, STREAMS};
pub use redis_cluster::RedisCluster;
pub use redis_server::RedisServer;
pub use sentinel::Sentinel;
pub use service::Service;

use std::{io, net::TcpListener, time::Duration};

use anyhow::bail;
use tokio::{process::Command, time::timeout};

/// How long a Redis may take to become what is awaited of it.
const REDIS_DEADLINE: Duration = Duration::from_secs(30);

/// A TCP port of 127.0.0.1 that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Sends a signal by its name, such as `TERM`, `STOP` or `CONT`, to a process of one's own.
pub async fn signal(pid: u32, name: &str) -> anyhow::Result<()> {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().await?;
    if !sent.success() {
        bail!("signal {name} was not sent");
    }
    Ok(())
}

/// Waits until something is the case that can only be asked for.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match timeout(REDIS_DEADLINE, waiting).await {
        Ok(()) => Ok(()),
        Err(_) => bail!("it never came to be that {what}"),
    }
}
