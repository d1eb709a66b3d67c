//! What the service counts, seen where Prometheus sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what is expected here is what is tested"
)]

mod monitoring;
mod numbers;
mod reference;
mod scene;
