//! Fetches the events of a VK community, turns each into a typed [`event`] and routes it over
//! Redis.

pub mod converter;
pub mod event;
pub mod names;
pub mod vk;
