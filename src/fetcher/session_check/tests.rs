//! When the session is checked, and what follows from the result.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
};

use super::*;
use crate::vk::Method;

const QUIET: Duration = Duration::from_secs(5 * 60);
const POLL: Duration = Duration::from_secs(25);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn server() -> LongPollServer {
    LongPollServer::new(reqwest::Url::parse("https://lp.vk.ru/whp/1").unwrap(), "key".into())
}

fn rejected(code: i64) -> CallError {
    CallError::Rejected { method: Method::LongPollServer, code, message: "no".into() }
}

/// A check that records when it calls.
fn recording(
    result: impl Fn() -> CheckResult + Send + 'static,
) -> (SessionCheck<'static>, Arc<Mutex<Vec<Instant>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let recorded = calls.clone();
    let check = SessionCheck::with(QUIET, move || {
        recorded.lock().unwrap().push(Instant::now());
        ready(result()).boxed()
    });
    (check, calls)
}

fn batch(ts: u32, updates: usize) -> Batch {
    Batch::new(vec!["{}".into(); updates], Ts::from(ts))
}

/// A check after VK's newest position 9 was found while polls from 4 returned nothing.
async fn after_a_finding() -> SessionCheck<'static> {
    let (mut check, _) = recording(|| Ok((server(), Ts::from(9))));
    check.beside(tokio::time::sleep(QUIET * 2)).await.unwrap();
    assert!(check.finding(Ts::from(4)).is_some());
    check
}

#[tokio::test(start_paused = true)]
async fn a_quiet_session_is_checked_at_most_six_times_an_hour() {
    let started = Instant::now();
    let (mut check, calls) = recording(|| Ok((server(), Ts::from(1))));
    while started.elapsed() < 10 * HOUR {
        check.beside(tokio::time::sleep(POLL)).await.unwrap();
    }
    let calls = calls.lock().unwrap();
    let first = calls[0] - started;
    assert!(first >= QUIET * 4 / 5 && first <= QUIET * 6 / 5, "{first:?}");
    for (at, called_at) in calls.iter().enumerate() {
        let within = calls[at..].iter().filter(|it| **it - *called_at < HOUR).count();
        assert!((5..=6).contains(&within) || at + 6 > calls.len(), "{within} in an hour");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_receives_updates_is_not_checked() {
    let (mut check, calls) = recording(|| Ok((server(), Ts::from(1))));
    for _ in 0..1000 {
        check.beside(tokio::time::sleep(POLL)).await.unwrap();
        check.restart();
    }
    assert!(calls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn quiet_times_between_updates_cause_no_more_calls() {
    let (mut check, calls) = recording(|| Ok((server(), Ts::from(1))));
    for _ in 0..100 {
        check.beside(tokio::time::sleep(QUIET * 5 / 4)).await.unwrap();
        check.restart();
    }
    let calls = calls.lock().unwrap();
    assert!(calls.len() > 10);
    assert!(calls.windows(2).all(|two| two[1] - two[0] >= SPACING));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_does_not_delay_a_poll() {
    let mut check = SessionCheck::with(QUIET, || pending().boxed());
    for _ in 0..100 {
        let started = Instant::now();
        check.beside(tokio::time::sleep(POLL)).await.unwrap();
        assert_eq!(started.elapsed(), POLL);
    }
    assert!(check.finding(Ts::from(0)).is_none());
}

#[tokio::test(start_paused = true)]
async fn only_a_repeated_permanent_error_ends_the_session() {
    let (mut check, calls) = recording(|| Err(rejected(10)));
    check.beside(tokio::time::sleep(10 * HOUR)).await.unwrap();
    assert!(calls.lock().unwrap().len() > 40);
    let (mut check, calls) = recording(|| Err(rejected(100)));
    let end = check.beside(pending::<()>()).await;
    assert_eq!((end, calls.lock().unwrap().len()), (Err(rejected(100)), 2));
}

#[tokio::test(start_paused = true)]
async fn only_a_newer_position_of_vk_replaces_the_server() {
    let (mut check, _) = recording(|| Ok((server(), Ts::from(9))));
    assert!(check.finding(Ts::from(4)).is_none(), "VK was not asked yet");
    check.beside(tokio::time::sleep(QUIET * 2)).await.unwrap();
    assert!(check.finding(Ts::from(9)).is_none());
    let mut check = after_a_finding().await;
    assert!(check.finding(Ts::from(4)).is_none(), "once for each call");
}

/// A check whose calls find these newest positions of VK, one after the other; the last one repeatedly.
fn finding_in_turn(newest: &[u32]) -> (SessionCheck<'static>, Arc<Mutex<Vec<Instant>>>) {
    let left = Mutex::new(newest.iter().rev().copied().collect::<Vec<_>>());
    recording(move || {
        let mut left = left.lock().unwrap();
        let newest = if left.len() > 1 { left.pop().unwrap() } else { left[0] };
        Ok((server(), Ts::from(newest)))
    })
}

/// Polls return nothing from position 4 until there are so many calls; the last finding.
async fn after_calls(
    check: &mut SessionCheck<'_>,
    calls: &Mutex<Vec<Instant>>,
    number: usize,
) -> Option<Finding> {
    loop {
        check.beside(tokio::time::sleep(POLL)).await.unwrap();
        let finding = check.finding(Ts::from(4));
        if finding.is_some() || calls.lock().unwrap().len() >= number {
            return finding;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_ahead_of_vks_queue_is_lost_once_a_second_check_confirms_it() {
    let (mut check, calls) = finding_in_turn(&[2, 3]);
    assert!(after_calls(&mut check, &calls, 1).await.is_none(), "once is no proof");
    let finding = after_calls(&mut check, &calls, 2).await;
    assert!(matches!(finding, Some(Finding::Lost(_, newest)) if newest == Ts::from(3)));
    let calls = calls.lock().unwrap();
    assert!(calls[1] - calls[0] <= CONFIRMATION + POLL, "soon");
}

#[tokio::test(start_paused = true)]
async fn a_position_ahead_of_vks_queue_is_not_lost_if_anything_contradicts_it() {
    for newest in [[2, 4, 2], [2, 9, 2]] {
        let (mut check, calls) = finding_in_turn(&newest);
        for number in 1..=3 {
            let finding = after_calls(&mut check, &calls, number).await;
            assert!(!matches!(finding, Some(Finding::Lost(..))), "{newest:?}");
        }
    }
    let (mut check, calls) = finding_in_turn(&[2]);
    assert!(after_calls(&mut check, &calls, 1).await.is_none());
    check.received(&batch(5, 1));
    assert!(after_calls(&mut check, &calls, 2).await.is_none(), "an update arrived");
}

#[tokio::test(start_paused = true)]
async fn checks_that_confirm_others_keep_to_six_calls_an_hour() {
    let started = Instant::now();
    let (mut check, calls) = recording(|| Ok((server(), Ts::from(2))));
    while started.elapsed() < 10 * HOUR {
        check.beside(tokio::time::sleep(POLL)).await.unwrap();
        let _ = check.finding(Ts::from(4));
    }
    let calls = calls.lock().unwrap();
    assert!(calls.len() > 20, "{}", calls.len());
    for (at, called_at) in calls.iter().enumerate() {
        let within = calls[at..].iter().filter(|it| **it - *called_at < HOUR).count();
        assert!(within <= 6, "{within} in an hour");
    }
}

#[tokio::test(start_paused = true)]
async fn updates_that_arrive_after_all_leave_later_findings_worth_a_warning() {
    let mut check = after_a_finding().await;
    check.received(&batch(7, 3));
    check.received(&batch(10, 3));
    assert!(!check.counts_unsent);
}

#[tokio::test(start_paused = true)]
async fn fewer_updates_than_positions_show_that_vk_counts_what_it_does_not_send() {
    let mut check = after_a_finding().await;
    check.received(&batch(10, 1));
    assert!(check.counts_unsent);
    // A gap says that VK lost them.
    let mut check = after_a_finding().await;
    let gap = crate::fetcher::Gap {
        from: Ts::from(4),
        to: Ts::from(9),
        cause: crate::fetcher::GapCause::Lost,
    };
    check.received(&Batch::position_only(Ts::from(9), Some(gap)));
    check.received(&batch(12, 1));
    assert!(!check.counts_unsent);
}
