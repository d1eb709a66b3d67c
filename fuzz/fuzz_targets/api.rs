//! A response of VK's API, parsed as the response to each method.
#![no_main]

use event_fetcher::vk::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| fuzzing::api_response(body));
