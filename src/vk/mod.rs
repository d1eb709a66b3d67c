//! VK's side: its ids and the shapes of what it sends.

pub(crate) mod field;
mod id;
pub(crate) mod update;

pub use id::Identity;
