//! An update: an event whose JSON reads back and is written the same again, or the reason why there is none.
#![no_main]

use event_fetcher::{
    converter::{Lookups, Parsed, Rules, complete, parse},
    event::Event,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let rules = Rules { reply_author: true, ..Rules::default() };
    match parse(raw, &rules) {
        Parsed::Routed(partial) => {
            for event in complete([partial], &mut Lookups::default(), &rules) {
                let json = serde_json::to_string(&event).expect("an event becomes JSON");
                let read: Event = serde_json::from_str(&json).expect("and JSON an event");
                // A reply's conversation is not part of the JSON.
                assert_eq!(serde_json::to_string(&read).expect("an event becomes JSON"), json);
            }
        }
        Parsed::Rejected(rejection) => assert!(!rejection.to_string().is_empty()),
        Parsed::Unrouted(_) => {}
    }
});
