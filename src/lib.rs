//! Fetches the updates of a VK community, converts each into a typed [`event`] and writes it to Redis.

pub mod bus;
pub mod cli;
pub mod config;
pub mod converter;
pub mod enrich;
pub mod event;
pub mod fetcher;
pub mod ops;
pub mod pipeline;
pub mod service;
mod setting;
mod text;
pub mod ts;
pub mod vk;
