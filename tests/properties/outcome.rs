//! Converts one update as the pipeline and `convert` do: parse, then complete.

use event_fetcher::{
    converter::{Lookups, Parsed, Rejection, Rules, complete, parse},
    event::Event,
};

/// The result of converting an update.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "short-lived")]
pub(crate) enum Outcome {
    Event(Event),
    Unrouted(String),
    Rejected(Rejection),
}

pub(crate) fn convert(raw: &str, lookups: &Lookups, rules: &Rules) -> Outcome {
    match parse(raw, rules) {
        Parsed::Routed(partial) => {
            let mut events = complete([partial], &mut lookups.clone(), rules).collect::<Vec<_>>();
            assert_eq!(events.len(), 1);
            Outcome::Event(events.remove(0))
        }
        Parsed::Unrouted(kind) => Outcome::Unrouted(kind),
        Parsed::Rejected(rejection) => Outcome::Rejected(rejection),
    }
}
