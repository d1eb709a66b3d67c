//! Fetches the events of a VK community, turns each into a typed [`event`] and routes it over
//! Redis.

pub mod backoff;
pub mod bus;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod converter;
pub mod event;
pub mod fetcher;
pub mod health;
pub mod http;
pub mod metrics;
pub mod names;
pub mod outage;
pub mod pipeline;
mod setting;
pub mod status;
pub mod systemd;
pub mod telemetry;
pub mod tls;
pub mod ts;
pub mod vk;
