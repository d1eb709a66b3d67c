//! Health over time, and whether the verdict on it is ready.

use super::*;
use crate::ops::verdict::Verdict;

fn is_ready(health: &Health) -> bool {
    Verdict::new(&health.snapshot(), None).ready
}

/// An instance that has fetched and committed.
fn fetching() -> Health {
    let health = Health::new(Duration::from_secs(25));
    health.acquired(true);
    health.ok(Dependency::LongPoll);
    health
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_fetches_is_ready_once_it_has_polled_and_its_position_is_in_redis() {
    for (with_position, steps) in
        [(true, [].as_slice()), (false, [Health::committed as fn(&Health)].as_slice())]
    {
        let health = Health::new(Duration::from_secs(25));
        assert!(!is_ready(&health));
        health.acquired(with_position);
        assert!(!is_ready(&health), "VK may never answer");
        health.failing(Dependency::LongPoll, "refused");
        assert!(!is_ready(&health), "a failure that has just begun is no sign of work");
        health.ok(Dependency::LongPoll);
        assert_eq!(is_ready(&health), with_position, "Redis may never take a commit");
        for step in steps {
            step(&health);
        }
        assert!(is_ready(&health));
        health.failing(Dependency::LongPoll, "refused");
        assert!(is_ready(&health), "it has worked, and one retry is normal");

        tokio::time::advance(Duration::from_secs(1)).await;
        health.acquired(true);
        assert!(!is_ready(&health), "each lease term has to begin with a poll");
    }
}

#[tokio::test(start_paused = true)]
async fn a_standby_is_ready_once_vk_has_accepted_its_token() {
    let health = Health::new(Duration::from_secs(25));
    health.standing_by();
    assert!(!is_ready(&health) && health.has_token_to_show());
    health.failing(Dependency::LongPoll, "refused");
    assert!(!is_ready(&health));
    health.token_accepted();
    assert!(is_ready(&health) && !health.has_token_to_show());

    let health = fetching();
    health.standing_by();
    assert!(is_ready(&health) && !health.has_token_to_show(), "its polls have shown the token");
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
    health.standing_by();
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
