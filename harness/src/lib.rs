//! What tests and the demo run event-fetcher with: a Redis of its own, the service as a process,
//! and a look at what is on the bus.

mod bus;
mod redis_server;
mod service;

pub use bus::{Bus, Entry, STREAMS};
pub use redis_server::RedisServer;
pub use service::Service;

use std::{io, net::TcpListener};

/// A TCP port of 127.0.0.1 that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
