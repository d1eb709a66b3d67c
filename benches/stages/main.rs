//! The stages of an update's way, each measured by itself: items a second, allocations, bytes.
//!
//! What a stage returns is dropped after the clock has stopped. `count.rs`, a bench of its own,
//! runs the same stages to have their instructions counted.
#![expect(clippy::expect_used, reason = "a bench whose stage is not set has nothing to tell")]

mod bus;
mod commit;
mod convert;
mod decode;
mod encode;
mod material;

use std::sync::LazyLock;

use divan::AllocProfiler;

use crate::material::Material;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// How many updates, partial events, events or entries are in a batch.
const SIZES: [usize; 4] = [1, 10, 100, 1000];

/// How often a stage without Redis is measured with each size ...
const SAMPLES: u32 = 100;
/// ... and over how many batches at once. They take turns, so that a batch of one is not always the same
/// update.
const BATCHES: u32 = 10;

/// Some batches of the largest size, also of those that become events.
static MATERIAL: LazyLock<Material> =
    LazyLock::new(|| Material::draw(3000).expect("a simulated VK can be started"));

fn main() {
    divan::main();
}
