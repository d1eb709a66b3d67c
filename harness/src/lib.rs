//! What tests and the demo run event-fetcher with: a Redis of its own, the service as a process,
//! and a look at what is on the bus.

mod bus;
mod redis_server;
mod service;

pub use bus::{Bus, Entry, STREAMS};
pub use redis_server::RedisServer;
pub use service::Service;

use std::{io, net::TcpListener};

use anyhow::bail;
use tokio::process::Command;

/// A TCP port of 127.0.0.1 that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Sends a signal by its name to a process.
async fn signal(pid: u32, name: &str) -> anyhow::Result<()> {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().await?;
    if !sent.success() {
        bail!("signal {name} was not sent to process {pid}");
    }
    Ok(())
}
