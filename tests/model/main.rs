//! The guarantee against everything at once: VK's answers, Redis' answers and its older states,
//! crashes between any two steps, and two instances, in every order that proptest comes up with.
//!
//! The session, the converter and the commit are the service's own, and Redis is real; VK and time
//! are played here, one step after the other, so that each history can be told and shrunk.

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
