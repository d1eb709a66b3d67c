//! Fetches the events of a VK community, turns each into a typed [`event`] and routes it over
//! Redis.

pub mod bus;
pub mod cli;
pub mod config;
pub mod converter;
pub mod enrich;
pub mod event;
pub mod fetcher;
pub mod ops;
pub mod pipeline;
mod setting;
mod text;
pub mod ts;
pub mod vk;
