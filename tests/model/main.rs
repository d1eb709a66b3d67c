//! A model-based test of the delivery guarantee: proptest generates sequences of polls, faults of VK, lost
//! replies and rollbacks of Redis, crashes, and takeovers between two instances.
//!
//! The session, the converter and the commit are the service's own, and Redis is real. VK and time are
//! simulated step by step, so that a failing sequence can be replayed and shrunk.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bus;
mod instance;
mod machine;
mod vk;

use proptest::test_runner::Config;
use proptest_state_machine::prop_state_machine;

use machine::World;

prop_state_machine! {
    #![proptest_config(Config { cases: 96, max_shrink_iters: 2000, ..Config::default() })]

    #[test]
    fn every_update_is_exactly_once_an_event_a_dead_letter_counted_or_in_a_reported_gap(
        sequential 1..80 => World
    );
}
