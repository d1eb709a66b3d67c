//! From updates to partial events, and with all look-ups known to events.

use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use event_fetcher::{
    converter::{self, Parsed, PartialEvent},
    event::Event,
};

use crate::{BATCHES, MATERIAL, SAMPLES, SIZES};

/// Updates to partial events.
#[divan::bench(args = SIZES, sample_count = SAMPLES, sample_size = BATCHES)]
fn parse(bencher: Bencher<'_, '_>, size: usize) {
    let mut batches = MATERIAL.updates.chunks_exact(size).cycle();
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| batches.next().expect("batches never end"))
        .bench_local_values(|updates| {
            let parsed = updates.iter().map(|update| converter::parse(update, &MATERIAL.rules));
            parsed.collect::<Vec<_>>()
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
            let partials = partials(batches.next().expect("batches never end"));
            let known = MATERIAL.known(&partials);
            (partials, known)
        })
        .bench_local_values(|(partials, mut known)| {
            let events = converter::complete(partials, &mut known, &MATERIAL.rules);
            (events.collect::<Vec<_>>(), known)
        });
}

/// The events of all updates that become events.
pub(crate) fn events() -> Vec<Event> {
    let partials = partials(&MATERIAL.updates);
    let mut known = MATERIAL.known(&partials);
    converter::complete(partials, &mut known, &MATERIAL.rules).collect()
}

/// The updates that become events.
fn routed() -> Vec<Arc<str>> {
    let is_routed = |update: &&Arc<str>| partial(update).is_some();
    MATERIAL.updates.iter().filter(is_routed).cloned().collect()
}

fn partials(updates: &[Arc<str>]) -> Vec<PartialEvent> {
    updates.iter().filter_map(|update| partial(update)).collect()
}

fn partial(update: &str) -> Option<PartialEvent> {
    match converter::parse(update, &MATERIAL.rules) {
        Parsed::Routed(partial) => Some(partial),
        Parsed::Unrouted(_) | Parsed::Rejected(_) => None,
    }
}
