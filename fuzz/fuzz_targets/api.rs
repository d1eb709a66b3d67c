//! An answer of VK's API, decoded as the answer of each method.
#![no_main]

use event_fetcher::vk::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| fuzzing::api_answer(body));
