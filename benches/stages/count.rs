//! The stages without Redis, each run once over the same updates, for `scripts/count-instructions`. With
//! the argument `pickle` events are also encoded as pickles for the channels.
//!
//! Callgrind counts from the call of a function to its return, so each stage is a function.
#![expect(clippy::print_stdout, reason = "a program that prints its results")]

mod bus;
mod material;

use event_fetcher::{
    bus::{Bus, StreamEntry},
    converter::{self, Lookups, Parsed, PartialEvent, Rules},
    event::Event,
    vk::{self, PollReply},
};

use crate::{bus::bus, material::Material};

const BATCHES: usize = 100;
/// Updates in a batch.
const SIZE: usize = 100;

fn main() -> anyhow::Result<()> {
    let pickled = std::env::args().any(|argument| argument == "pickle");
    let bus = bus("redis://127.0.0.1", if pickled { bus::PICKLE } else { bus::JSON })?;
    // The simulator leaves a heap that depends on timing, which would change the instructions of the stages. A
    // thread has a heap of its own.
    let drawn = std::thread::spawn(|| Material::draw(BATCHES * SIZE)).join();
    let material = drawn.map_err(|_| anyhow::anyhow!("the simulator panicked"))??;
    let bodies = material.bodies(SIZE);

    let batches = decode(bodies);
    let partials = parse(&batches, &material.rules);
    let mut known: Vec<_> = partials.iter().map(|partials| material.known(partials)).collect();
    let events = complete(partials, &mut known, &material.rules);
    let entries = encode(&events, &bus);

    let updates: usize = batches.iter().map(Vec::len).sum();
    let entries: usize = entries.iter().map(Vec::len).sum();
    println!("{updates} updates, {entries} events");
    Ok(())
}

#[inline(never)]
fn decode(bodies: Vec<String>) -> Vec<Vec<Box<str>>> {
    let mut batches = Vec::with_capacity(bodies.len());
    for body in bodies {
        if let PollReply::Updates { updates, .. } = vk::decode(body.into_bytes()) {
            batches.push(updates);
        }
    }
    batches
}

#[inline(never)]
fn parse(batches: &[Vec<Box<str>>], rules: &Rules) -> Vec<Vec<PartialEvent>> {
    let mut parsed = Vec::with_capacity(batches.len());
    for updates in batches {
        let mut partials = Vec::with_capacity(updates.len());
        for update in updates {
            if let Parsed::Routed(partial) = converter::parse(update, rules) {
                partials.push(partial);
            }
        }
        parsed.push(partials);
    }
    parsed
}

#[inline(never)]
fn complete(
    batches: Vec<Vec<PartialEvent>>,
    known: &mut [Lookups],
    rules: &Rules,
) -> Vec<Vec<Event>> {
    let mut completed = Vec::with_capacity(batches.len());
    for (partials, known) in batches.into_iter().zip(known) {
        completed.push(converter::complete(partials, known, rules).collect());
    }
    completed
}

#[inline(never)]
fn encode(batches: &[Vec<Event>], bus: &Bus) -> Vec<Vec<StreamEntry>> {
    let mut encoded = Vec::with_capacity(batches.len());
    for events in batches {
        let mut entries = Vec::with_capacity(events.len());
        for event in events {
            entries.push(bus.entry(event, true));
        }
        encoded.push(entries);
    }
    encoded
}
