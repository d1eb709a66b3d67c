//! A Long Poll server's reply, sent three times, so that a damaged one is salvaged.
#![no_main]

use event_fetcher::{fetcher::{Connecting, SessionState}, ts::Ts, vk::{LongPollServer, fuzzing}};
use libfuzzer_sys::fuzz_target;

const FROM: u32 = 1000;

fuzz_target!(|body: &[u8]| {
    let url = reqwest::Url::parse("https://lp.vk.ru/whp/1").expect("a URL");
    let from = Ts::from(FROM);
    let mut state = Connecting::From(from).granted(LongPollServer::new(url, "key".into()), from).state;
    for _ in 0..3 {
        let SessionState::Polling(polling) = state else { return };
        let step = polling.replied(fuzzing::long_poll_reply(body));
        if let Some(batch) = step.batch {
            assert!(batch.updates.iter().all(|update| !update.is_empty()));
        }
        state = step.state;
    }
});
