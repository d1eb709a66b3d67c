//! From events to the entries of a commit.

use divan::{Bencher, counter::ItemsCount};

use crate::{
    BATCHES, SAMPLES, SIZES,
    bus::{self, Set, bus},
    convert::events,
};

/// Events to entries, with JSON for streams and channels.
#[divan::bench(args = SIZES, sample_count = SAMPLES, sample_size = BATCHES)]
fn encode_json(bencher: Bencher<'_, '_>, size: usize) {
    encode(bencher, size, bus::JSON);
}

/// Events to entries, with JSON for streams and pickles for channels.
#[divan::bench(args = SIZES, sample_count = SAMPLES, sample_size = BATCHES)]
fn encode_pickle(bencher: Bencher<'_, '_>, size: usize) {
    encode(bencher, size, bus::PICKLE);
}

fn encode(bencher: Bencher<'_, '_>, size: usize, set: &Set) {
    let bus = bus("redis://127.0.0.1", set).expect("a bus that is not connected");
    let events = events();
    let mut batches = events.chunks_exact(size).cycle();
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| batches.next().expect("batches never end"))
        .bench_local_values(|events| {
            events.iter().map(|event| bus.entry(event, true)).collect::<Vec<_>>()
        });
}
