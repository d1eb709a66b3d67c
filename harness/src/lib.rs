//! What tests and the demo run event-fetcher with: a Redis of its own, also with Sentinels or
//! behind a proxy that hurts its connections; the service as a process; and a look at what is on
//! the bus.

mod bus;
mod proxy;
mod redis_server;
mod sentinel;
mod service;
mod signal;

pub use bus::{Bus, DEAD_LETTERS, Entry, STREAMS};
pub use proxy::{Flow, Proxy};
pub use redis_server::RedisServer;
pub use sentinel::{Master, SentinelSet};
pub use service::Service;
use signal::signal;

use std::{io, net::TcpListener, time::Duration};

use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};

/// How long a Redis may take to answer: much of it is asked for, on machines that do much else.
const ANSWER: Duration = Duration::from_secs(30);

/// A connection to the Redis on a port of 127.0.0.1.
pub async fn connect(port: u16) -> anyhow::Result<MultiplexedConnection> {
    let client = Client::open(format!("redis://127.0.0.1:{port}"))?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER));
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

/// A TCP port of 127.0.0.1 that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
