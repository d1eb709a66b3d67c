//! Each stage of an update's way measured by itself: items a second, allocations, bytes.
//!
//! The result of a stage is dropped after the clock has stopped. `count.rs`, a bench of its own, runs the
//! same stages to count their instructions.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has no result")]

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

/// The number of updates, partial events, events or entries in a batch.
const SIZES: [usize; 4] = [1, 10, 100, 1000];

/// The number of samples of a stage without Redis for each size ...
const SAMPLES: u32 = 100;
/// ... and the number of batches in a sample. They alternate, so that a batch of one is not always the same
/// update.
const BATCHES: u32 = 10;

/// Enough updates for some batches of the largest size, counting only updates that become events.
static MATERIAL: LazyLock<Material> =
    LazyLock::new(|| Material::draw(3000).expect("a simulated VK can be started"));

fn main() {
    divan::main();
}
