//! Health over time, and whether the verdict on it is ready.

use super::*;
use crate::ops::verdict::Verdict;

fn is_ready(health: &Health) -> bool {
    Verdict::new(&health.snapshot(), None).ready
}

fn fetching() -> Health {
    let health = Health::new(Duration::from_secs(25));
    health.role(Role::Fetching);
    health
}

#[tokio::test(start_paused = true)]
async fn a_service_that_starts_is_not_ready_and_a_standby_is() {
    let health = Health::new(Duration::from_secs(25));
    assert!(!is_ready(&health));
    health.role(Role::Standby);
    assert!(is_ready(&health));
}

#[tokio::test(start_paused = true)]
async fn a_failure_lasts_until_a_success() {
    let health = fetching();
    health.failing(Dependency::Redis, "connection refused");
    assert!(is_ready(&health), "a first failure is nothing yet");
    tokio::time::advance(PATIENCE).await;
    health.failing(Dependency::Redis, "connection reset");
    assert!(!is_ready(&health));
    let failure = Failure {
        dependency: Dependency::Redis,
        cause: Cause::Error,
        lasts: PATIENCE,
        reason: "connection reset".to_owned(),
    };
    assert_eq!(health.snapshot().failures, [failure], "it keeps its beginning, not its reason");
    health.ok(Dependency::Redis);
    assert!(is_ready(&health) && health.snapshot().failures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn silence_beyond_a_poll_is_a_stall() {
    let health = fetching();
    tokio::time::advance(Duration::from_secs(44)).await;
    assert!(is_ready(&health));
    tokio::time::advance(Duration::from_secs(2)).await;
    let snapshot = health.snapshot();
    let failure = &snapshot.failures[0];
    assert_eq!((failure.dependency, failure.cause), (Dependency::Service, Cause::Stalled));
    assert!(snapshot.stalled && !is_ready(&health), "no dependency fails, so it is this program");
    health.ok(Dependency::LongPoll);
    assert!(is_ready(&health));
}

#[tokio::test(start_paused = true)]
async fn work_has_begun_with_the_first_answer_or_as_a_standby() {
    let health = fetching();
    assert!(!health.snapshot().started);
    health.ok(Dependency::LongPoll);
    assert!(health.snapshot().started);

    let health = Health::new(Duration::from_secs(25));
    health.role(Role::Standby);
    assert!(health.snapshot().started);
}

#[tokio::test(start_paused = true)]
async fn a_party_that_fails_is_no_stall() {
    let health = fetching();
    health.failing(Dependency::Redis, "connection refused");
    tokio::time::advance(PATIENCE * 100).await;
    assert!(!is_ready(&health) && !health.snapshot().stalled);
}

#[tokio::test(start_paused = true)]
async fn a_standby_does_not_mind_vk() {
    let health = fetching();
    health.failing(Dependency::LongPoll, "502");
    health.role(Role::Standby);
    tokio::time::advance(PATIENCE * 10).await;
    assert!(is_ready(&health));
}

#[tokio::test(start_paused = true)]
async fn what_has_not_been_done_counts_from_when_it_was_asked_for() {
    let health = fetching();
    let asked = Instant::now();
    tokio::time::advance(PATIENCE / 2).await;
    health.failing_since(Dependency::Redis, Cause::Unreachable, asked, "timed out");
    assert!(is_ready(&health));
    tokio::time::advance(PATIENCE / 2).await;
    assert!(!is_ready(&health));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_over_is_remembered_for_a_while() {
    let health = fetching();
    for number in 0..=PAST {
        health.failing(Dependency::Redis, number);
        tokio::time::advance(Duration::from_secs(3)).await;
        health.ok(Dependency::Redis);
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    let past = health.past();
    let PastFailure { failure: newest, ended } = &past[0];
    assert_eq!((past.len(), newest.reason.as_str()), (PAST, "5"));
    assert_eq!((newest.lasts.as_secs(), ended.as_secs()), (3, 60));
}

#[tokio::test(start_paused = true)]
async fn the_silence_of_a_service_that_was_held_up_is_no_stall() {
    let health = fetching();
    health.failing(Dependency::Redis, "connection refused");
    tokio::time::advance(PATIENCE * 10).await;
    health.ok(Dependency::Redis);
    assert!(is_ready(&health), "VK may hold the first poll after that");
    tokio::time::advance(PATIENCE * 10).await;
    assert!(health.snapshot().stalled);
}

#[tokio::test(start_paused = true)]
async fn work_that_moves_on_is_no_stall_though_long_poll_is_not_asked() {
    let health = fetching();
    for move_on in [|health: &Health| health.ok(Dependency::Users), Health::committed] {
        tokio::time::advance(Duration::from_secs(44)).await;
        move_on(&health);
        tokio::time::advance(Duration::from_secs(44)).await;
        assert!(!health.snapshot().stalled && !health.is_stalled());
    }
    health.ok(Dependency::Redis);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(health.is_stalled(), "a lease that is kept moves nothing");
}

#[tokio::test(start_paused = true)]
async fn work_begun_again_has_one_more_term_before_the_process_is_given_up() {
    let health = fetching();
    let term = Duration::from_secs(46);
    tokio::time::advance(term).await;
    assert!(health.is_stalled());
    health.restarted();
    assert!(!health.snapshot().stalled, "it may move by that");
    tokio::time::advance(term).await;
    assert!(health.is_stalled());
    health.restarted();
    assert!(health.snapshot().stalled, "the watchdog should restart the process");
    assert!(!health.is_stalled(), "it is not restarted again and again");
    tokio::time::advance(term).await;
    assert!(health.is_stalled(), "but for as long as nobody restarts the process");

    health.ok(Dependency::LongPoll);
    assert!(!health.snapshot().stalled);
    tokio::time::advance(term).await;
    health.restarted();
    assert!(!health.snapshot().stalled, "after a move it is the first time again");
}
