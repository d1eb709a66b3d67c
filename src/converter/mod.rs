//! Converts a VK update into an event. Pure and total: the same update, look-ups and rules always give the
//! same event, and no text makes it panic.
//!
//! In two steps, because names are looked up for a whole batch at once: [`parse()`] takes from an update all
//! that it contains, and [`complete()`] adds what had to be looked up.

mod config;
mod fields;
mod lookups;
mod message;
mod naming;
mod parse;
mod partial;
mod payload;
mod rejection;
mod rules;

pub use config::Config;
pub use lookups::{Community, LookupRequest, Lookups, MessagePlace, Person};
pub use parse::{Parsed, parse};
pub use partial::{PartialEvent, complete};
pub use rejection::Rejection;
pub use rules::Rules;
