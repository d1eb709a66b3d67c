//! The same answer of a Long Poll server three times, so that a damaged one is salvaged.
#![no_main]

use event_fetcher::{fetcher::{Connecting, State}, ts::Ts, vk::{Server, fuzzing}};
use libfuzzer_sys::fuzz_target;

const FROM: u32 = 1000;

fuzz_target!(|body: &[u8]| {
    let url = reqwest::Url::parse("https://lp.vk.ru/whp/1").expect("a URL");
    let from = Ts::from(FROM);
    let mut state = Connecting::From(from).granted(Server::new(url, "key".into()), from).state;
    for _ in 0..3 {
        let State::Polling(polling) = state else { return };
        let step = polling.replied(fuzzing::long_poll_answer(body));
        if let Some(batch) = step.batch {
            assert!(batch.updates.iter().all(|update| !update.is_empty()));
        }
        state = step.state;
    }
});
