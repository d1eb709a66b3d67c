//! From a Long Poll answer's bytes to its updates, and on to partial events where texts are long.

use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};
use event_fetcher::{
    converter::{Parsed, parse},
    vk::{self, PollReply},
};
use serde_json::json;

use crate::{BATCHES, MATERIAL, SAMPLES, SIZES, material::body};

/// The body of an answer to updates.
#[divan::bench(args = SIZES, sample_count = SAMPLES, sample_size = BATCHES)]
fn decode(bencher: Bencher<'_, '_>, size: usize) {
    let bodies = MATERIAL.bodies(size);
    let mut bodies = bodies.iter().cycle();
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| bodies.next().expect("bodies never end").clone().into_bytes())
        .bench_local_values(vk::decode);
}

/// Ten messages with texts of so many bytes.
#[divan::bench(args = [100, 1024, 16 * 1024, 64 * 1024], sample_count = SAMPLES, sample_size = BATCHES)]
fn decode_and_parse_texts(bencher: Bencher<'_, '_>, bytes: usize) {
    let body = body(&vec![message(bytes); 10]);
    bencher
        .counter(ItemsCount::new(10_usize))
        .counter(BytesCount::of_str(&body))
        .with_inputs(|| body.clone().into_bytes())
        .bench_local_values(decode_and_parse);
}

fn decode_and_parse(body: Vec<u8>) -> (Vec<Box<str>>, Vec<Parsed>) {
    let PollReply::Updates { updates, .. } = vk::decode(body) else {
        return Default::default();
    };
    let parsed = updates.iter().map(|update| parse(update, &MATERIAL.rules)).collect();
    (updates, parsed)
}

/// A message as VK sends it, with lines, quotation marks and letters of two bytes in its text.
fn message(bytes: usize) -> String {
    let mut characters = "Всем привет, это \"текст\" of some length.\n".chars().cycle();
    let mut text = String::new();
    while text.len() < bytes {
        text.extend(characters.next());
    }
    json!({
        "group_id": 1,
        "type": "message_new",
        "event_id": "0123456789abcdef0123456789abcdef01234567",
        "v": "5.199",
        "object": {
            "message": {
                "date": 1_700_000_000,
                "from_id": 100_000_001,
                "id": 0,
                "version": 10_000_001,
                "out": 0,
                "important": false,
                "is_hidden": false,
                "attachments": [],
                "conversation_message_id": 1,
                "fwd_messages": [],
                "text": text,
                "peer_id": 2_000_000_001,
                "random_id": 0,
            },
            "client_info": { "button_actions": ["text", "callback"], "keyboard": true },
        },
    })
    .to_string()
}
