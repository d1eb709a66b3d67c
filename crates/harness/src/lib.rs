//! A test harness for event-fetcher: Redis as child processes (one server, Sentinels or a cluster), a proxy
//! that injects network faults, the service as a child process, and a reader of the bus.

#![allow(
    clippy::missing_errors_doc,
    reason = "the errors are for people: any of them fails the test"
)]

mod bus;
mod proxy;
mod redis_cluster;
mod redis_server;
mod sentinel;
mod service;
mod signal;

pub use bus::{Bus, DEAD_LETTERS, Entry, STREAMS};
pub use proxy::{Flow, Proxy};
pub use redis_cluster::RedisCluster;
pub use redis_server::{RedisServer, connect};
pub use sentinel::{Master, SentinelSet};
pub use service::Service;
pub use signal::signal;

use std::{
    io::{self, Write},
    net::TcpListener,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::bail;
use tokio::time::{sleep, timeout};

/// How long Redis may take to reach an expected state.
const REDIS_DEADLINE: Duration = Duration::from_secs(30);

/// A free TCP port of 127.0.0.1, below those of outgoing connections. Each process starts its search at
/// another port, since tests run in parallel.
///
/// # Errors
/// All ports are in use.
pub fn free_port() -> io::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS {
        let number =
            process::id().wrapping_mul(37).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = FIRST_PORT + u16::try_from(number % PORTS).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Reports that a test is skipped, and why. Writes to standard error directly, since the test runner captures
/// the output of passing tests.
pub fn skipped(why: &str) {
    // Nothing can be done if standard error is closed.
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}

/// The range below Linux' ports of outgoing connections.
const FIRST_PORT: u16 = 12_000;
const PORTS: u32 = 20_000;

/// Polls a condition until it holds.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    match timeout(REDIS_DEADLINE, waiting).await {
        Ok(()) => Ok(()),
        Err(_) => bail!("timed out waiting until {what}"),
    }
}
