//! How the service tells people and scripts how it does: `event-fetcher status`, `/status.json`, and the
//! page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what is expected here is what is tested"
)]

mod browser;
mod bus;
mod chromium;
mod command;
mod faults;

mod no_disk;
mod page;
mod scene;
