//! Fault injection: Redis servers that reject commands, fail over, move slots or require certificates, and a
//! hostile VK. Nothing is lost or duplicated, and the operator learns what to change.
#![expect(clippy::unwrap_used, reason = "what is expected here is what is tested")]

mod authorities;
mod cluster;
mod flow;
mod front;
mod hidden;
mod hostile;
mod idle_clients;
mod malformed;
mod malformed_generator;
mod memory;
mod passing;
mod positions;
mod replicas;
mod rights;
mod secrets;
mod sentinel;
mod tls;
