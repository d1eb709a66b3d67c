//! Where the log goes and how it looks there, and what is logged at which level.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what is expected here is what is tested"
)]

mod foreign_texts;
mod forms;
mod levels;
mod outages;
mod scene;
