//! Tests of the simulated VK over HTTP.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod api_calls;
mod api_faults;
mod binary;
mod client;
mod control;
mod long_poll;
mod names;
mod poll_faults;
mod settings;
