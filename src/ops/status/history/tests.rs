use std::time::Duration;

use tokio::time::{Instant, advance};

use crate::ops::status::{
    Minute,
    history::{Committed, History, rate},
};

const TICK: Duration = Duration::from_secs(10);

const NOTHING: Committed<'_> =
    Committed { events: [0; 4], dead_letters: &[], received: &[], gaps: 0, updates_lost: 0 };

/// A commit of so many messages, which VK sent as many milliseconds ago.
fn commit(history: &History, messages: u64) {
    let received = [Instant::now() - Duration::from_millis(messages)];
    history.committed(&Committed {
        events: [messages, 0, 0, 0],
        dead_letters: &[],
        received: &received,
        gaps: 0,
        updates_lost: 0,
    });
}

fn messages(minutes: &[Minute]) -> Vec<(u64, u64)> {
    minutes.iter().map(|minute| (minute.seconds, minute.events["message"])).collect()
}

#[tokio::test(start_paused = true)]
async fn each_minute_has_its_own_events_and_times() {
    let history = History::default();
    assert_eq!(messages(&history.minutes()), [(0, 0)], "it starts empty");
    for events in [1, 1, 1, 1, 1, 1, 70, 0, 0, 0, 0, 0, 0, 5] {
        if events > 0 {
            commit(&history, events);
        }
        advance(TICK).await;
    }
    let minutes = history.minutes();
    assert_eq!(messages(&minutes), [(60, 6), (60, 70), (20, 5)]);
    let times: Vec<_> = minutes.iter().map(|minute| (minute.p50_ms, minute.p99_ms)).collect();
    assert_eq!(times, [(Some(1.0), Some(1.0)), (Some(70.0), Some(70.0)), (Some(5.0), Some(5.0))]);
    assert_eq!(rate(&minutes), 75 * 60 / 80);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_an_hour_is_kept() {
    let history = History::default();
    commit(&history, 1000);
    advance(TICK * 6).await;
    for _ in 0..365 {
        commit(&history, 1);
        advance(TICK).await;
    }
    let minutes = history.minutes();
    assert_eq!(minutes.len(), 61);
    assert!(messages(&minutes[..60]).iter().all(|it| *it == (60, 6)), "{minutes:?}");
    assert_eq!(messages(&minutes[60..]), [(50, 5)]);
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_commit_is_an_hour_of_empty_minutes() {
    let history = History::default();
    commit(&history, 1);
    advance(Duration::from_secs(100_000)).await;
    let minutes = history.minutes();
    assert_eq!(minutes.len(), 61);
    assert!(minutes.iter().all(|minute| minute.events["message"] == 0 && minute.p50_ms.is_none()));
    assert_eq!(minutes[60].seconds, 0);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_batches_and_99_of_100_are_told_apart() {
    let history = History::default();
    let ago = |millis| Instant::now() - Duration::from_millis(millis);
    let mut received = vec![ago(4); 60];
    received.extend([ago(1234); 38]);
    received.extend([ago(2_000_000); 2]);
    let batches = Committed { received: &received, ..NOTHING };
    history.committed(&batches);
    let minutes = history.minutes();
    assert_eq!((minutes[0].p50_ms, minutes[0].p99_ms), (Some(4.0), None), "too long for a value");
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_noted_with_its_age() {
    let history = History::default();
    history.committed(&Committed { gaps: 1, updates_lost: 7, ..NOTHING });
    advance(TICK * 2).await;
    let gaps = history.gaps();
    assert_eq!((gaps.len(), gaps[0].updates_lost, gaps[0].age_s), (1, 7, 20));
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_counted_by_a_bounded_number_of_reasons() {
    let history = History::default();
    let reasons: Vec<_> = (0..20).map(|number| format!("reason {}", number % 10)).collect();
    let dead_letters: Vec<_> = reasons.iter().map(String::as_str).collect();
    history.committed(&Committed { dead_letters: &dead_letters, ..NOTHING });
    let of_minute = &history.minutes()[0].dead_letters;
    let last = &of_minute[8];
    assert_eq!((of_minute.len(), last.reason.as_str(), last.count), (9, "other reasons", 4));
    assert!(of_minute[..8].iter().all(|it| it.count == 2), "{of_minute:?}");
    advance(TICK * 6).await;
    assert!(history.minutes()[1].dead_letters.is_empty(), "a new minute starts empty");
}

#[test]
fn without_any_time_there_is_no_rate() {
    assert_eq!(rate(&[]), 0);
}
