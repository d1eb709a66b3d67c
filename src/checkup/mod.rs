//! What VK and Redis are set to, as far as it matters here: each finding with what to do about it.
//! Nothing is changed there.

mod finding;
mod log;
mod redis;
mod vk;

pub use finding::{Finding, Mark};
pub use log::log_once_fetching;
pub use redis::ask as ask_redis;
pub use vk::{ask as ask_vk, ask_for_server};
