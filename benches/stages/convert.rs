//! From updates to partial events, and with cached names to events.

use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use event_fetcher::{
    converter::{self, PartialEvent, Reading},
    event::Event,
};

use crate::{BATCHES, MATERIAL, SAMPLES, SIZES};

/// Updates to partial events.
#[divan::bench(args = SIZES, sample_count = SAMPLES, sample_size = BATCHES)]
fn read(bencher: Bencher<'_, '_>, size: usize) {
    let mut batches = MATERIAL.updates.chunks_exact(size).cycle();
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| batches.next().expect("batches never end"))
        .bench_local_values(|updates| {
            let readings = updates.iter().map(|update| converter::read(update, &MATERIAL.rules));
            readings.collect::<Vec<_>>()
        });
}

/// Partial events to events.
#[divan::bench(args = SIZES, sample_count = SAMPLES, sample_size = BATCHES)]
fn complete(bencher: Bencher<'_, '_>, size: usize) {
    let routed = routed();
    let mut batches = routed.chunks_exact(size).cycle();
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| {
            let drafts = drafts(batches.next().expect("batches never end"));
            let known = MATERIAL.known(&drafts);
            (drafts, known)
        })
        .bench_local_values(|(drafts, mut known)| {
            (converter::complete_all(drafts, &mut known, &MATERIAL.rules), known)
        });
}

/// The events of all updates that become events.
pub(crate) fn events() -> Vec<Event> {
    let drafts = drafts(&MATERIAL.updates);
    let mut known = MATERIAL.known(&drafts);
    converter::complete_all(drafts, &mut known, &MATERIAL.rules)
}

/// The updates that become events.
fn routed() -> Vec<Arc<str>> {
    let is_routed = |update: &&Arc<str>| draft(update).is_some();
    MATERIAL.updates.iter().filter(is_routed).cloned().collect()
}

fn drafts(updates: &[Arc<str>]) -> Vec<PartialEvent> {
    updates.iter().filter_map(|update| draft(update)).collect()
}

fn draft(update: &str) -> Option<PartialEvent> {
    match converter::read(update, &MATERIAL.rules) {
        Reading::Routed(draft) => Some(draft),
        Reading::Unrouted(_) | Reading::Rejected(_) => None,
    }
}
