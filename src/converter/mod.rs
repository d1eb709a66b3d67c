//! Turns a VK update into an event. Pure: the same update, names and rules always give the same
//! event, and there is no text that makes it panic.
//!
//! In two steps, because names are looked up for a whole batch at once: [`read()`] takes from an
//! update all that it says by itself, and [`PartialEvent::complete`] adds what had to be asked for.

mod config;
mod draft;
mod fields;
mod message;
mod naming;
mod payload;
mod read;
mod rejection;
mod rules;

pub use config::Config;
pub use draft::{PartialEvent, complete_all, complete_each};
pub use read::read;
pub use rejection::Rejection;
pub use rules::Rules;

use crate::{enrich::Lookups, event::Event};

/// What an update turned out to be, before the names are known.
#[derive(Debug)]
pub enum Reading {
    /// An event that lacks only names.
    Routed(PartialEvent),
    /// An update of a type (given here) that does not become an event.
    Unrouted(String),
    /// An update that should become an event and cannot.
    Rejected(Rejection),
}

/// What became of an update.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every outcome is an event, and short-lived")]
pub enum Outcome {
    /// The event.
    Event(Event),
    /// An update of a type (given here) that does not become an event.
    Unrouted(String),
    /// An update that should become an event and cannot.
    Rejected(Rejection),
}

/// Reads one update, given as JSON text, and completes it from what is known.
#[must_use]
pub fn convert(raw: &str, known: &Lookups, rules: &Rules) -> Outcome {
    match read(raw, rules) {
        Reading::Routed(draft) => Outcome::Event(draft.complete(known, rules)),
        Reading::Unrouted(kind) => Outcome::Unrouted(kind),
        Reading::Rejected(rejection) => Outcome::Rejected(rejection),
    }
}
