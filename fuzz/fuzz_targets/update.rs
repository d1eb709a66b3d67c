//! An update: an event that survives a round trip through JSON, or a reason for its rejection.
#![no_main]

use event_fetcher::{converter::{Outcome, Rules, convert}, event::Event, enrich::Lookups};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let rules = Rules { reply_author: true, ..Rules::default() };
    match convert(raw, &Lookups::default(), &rules) {
        Outcome::Event(event) => {
            let json = serde_json::to_string(&event).expect("an event becomes JSON");
            let read: Event = serde_json::from_str(&json).expect("and JSON an event");
            assert_eq!(read, event);
        }
        Outcome::Rejected(rejection) => assert!(!rejection.to_string().is_empty()),
        Outcome::Unrouted(_) => {}
    }
});
