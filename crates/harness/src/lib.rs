//! What tests and the demo run event-fetcher with: a Redis of its own, also with Sentinels or
//! behind a proxy that hurts its connections; the service as a process; and a look at what is on
//! the bus.

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

/// How long a Redis may take to become what is awaited of it.
const REDIS_DEADLINE: Duration = Duration::from_secs(30);

/// A TCP port of 127.0.0.1 that nobody listens on now, and that no outgoing connection is given
/// before it is used. Each process begins its search elsewhere, since tests run side by side.
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

/// Says that a test does not test here, and why, past the test harness, which keeps what passing tests
/// print to itself.
pub fn skipped(why: &str) {
    // Where it cannot be said, nobody is there to hear it.
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}

/// Below where Linux takes the ports of outgoing connections from.
const FIRST_PORT: u16 = 12_000;
const PORTS: u32 = 20_000;

/// Waits until something is the case that can only be asked for.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    match timeout(REDIS_DEADLINE, waiting).await {
        Ok(()) => Ok(()),
        Err(_) => bail!("it never came to be that {what}"),
    }
}
