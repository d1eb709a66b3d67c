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

use std::{io, net::TcpListener};

/// A TCP port of 127.0.0.1 that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
