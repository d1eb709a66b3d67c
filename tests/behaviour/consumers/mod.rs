//! Formats for consumers: pickles that Python reads, the Python package that reads the JSON, and the Rust
//! example in `docs/consumers.md`. The tests need `python3` and `redis-server` on the PATH.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod documented;
mod events;
#[expect(unreachable_pub, reason = "it stands alone in the docs")]
mod example;
mod package;
mod pickled;
mod published;
mod python;
