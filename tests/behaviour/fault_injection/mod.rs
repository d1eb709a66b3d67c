//! The service among servers that fail it: Redis servers that refuse, fail over, move or ask who is
//! there, and a VK that is hostile. Nothing is lost and nothing doubled, and what the operator has to
//! change is said.
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
