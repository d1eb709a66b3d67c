//! Fetches the events of a VK community, turns each into a typed [`event`](names) and routes it
//! over Redis.

pub mod config;
pub mod names;
