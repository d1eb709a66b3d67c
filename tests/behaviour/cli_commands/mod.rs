//! The commands beside the service itself, run as a user runs them.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what is expected here is what is tested"
)]

mod check;
mod convert;
mod dead_letters;
mod patience;
mod run;
mod streams;
mod support;
mod tail;
