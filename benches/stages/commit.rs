//! The commit of a batch to a real Redis, with its reply.

use divan::{Bencher, counter::ItemsCount};
use event_fetcher::{
    bus::{Content, StreamEntry},
    ts::Ts,
};
use harness::RedisServer;

use crate::{
    SIZES,
    bus::{self, bus},
    convert::events,
    material::runtime,
};

/// Entries to Redis, one commit a sample. Each size has a Redis of its own, initially empty.
#[divan::bench(args = SIZES, sample_count = 100, sample_size = 1)]
fn commit(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime().expect("a runtime");
    let redis = runtime.block_on(RedisServer::start()).expect("redis-server can be started");
    let bus = bus(&redis.url(), bus::JSON).expect("a bus that is not connected");
    let entries: Vec<_> = events().iter().map(|event| bus.entry(event, true)).collect();
    let term = runtime.block_on(bus.acquire()).expect("the lease is free");
    let mut committer = bus.committer(&term);
    let mut batches = entries.chunks_exact(size).cycle();
    let mut number = 0;
    let mut ts = Ts::from(0);
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| content(batches.next().expect("batches never end"), &mut number))
        .bench_local_refs(|content| {
            ts = ts.after(1);
            let duplicates = runtime.block_on(committer.commit(content, ts)).expect("a commit");
            assert_eq!(duplicates, 0, "a dropped entry would be no work");
        });
}

/// A batch under new event ids.
fn content(entries: &[StreamEntry], number: &mut u64) -> Content {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        *number += 1;
        entry.event_id = format!("{number:040x}");
    }
    Content { entries, ..Content::default() }
}
