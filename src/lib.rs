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
pub mod http;
pub mod metrics;
pub mod names;
pub mod ops;
pub mod outage;
pub mod pipeline;
pub mod process;
mod setting;
pub mod systemd;
pub mod telemetry;
mod text;
pub mod tls;
pub mod ts;
pub mod vk;
