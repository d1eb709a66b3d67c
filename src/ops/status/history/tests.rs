use std::time::Duration;

use crate::{
    event::EventType,
    metrics::Commits,
    ops::status::{
        Minute,
        history::{Counts, History, rate},
    },
};

const TICK: Duration = Duration::from_secs(10);

struct Scene {
    commits: Commits,
    history: History,
}

impl Scene {
    fn new() -> Self {
        let commits = Commits::default();
        let history = History::beginning_at(Counts::of(&commits));
        Self { commits, history }
    }

    /// So many events are committed, and ten seconds pass.
    async fn tick(&mut self, events: u64) {
        self.commits.events.of(EventType::Message).inc_by(events);
        if events > 0 {
            self.commits.latency.observe(Duration::from_millis(events));
        }
        tokio::time::advance(TICK).await;
        self.history.look(Counts::of(&self.commits));
    }

    fn minutes(&self) -> Vec<Minute> {
        self.history.minutes(&Counts::of(&self.commits))
    }
}

fn messages(minutes: &[Minute]) -> Vec<(u64, u64)> {
    minutes.iter().map(|minute| (minute.seconds, minute.events["message"])).collect()
}

#[tokio::test(start_paused = true)]
async fn each_minute_has_its_own_events_and_times() {
    let mut scene = Scene::new();
    assert_eq!(messages(&scene.minutes()), [(0, 0)], "it starts empty");
    for events in [1, 1, 1, 1, 1, 1, 70, 0, 0, 0, 0, 0, 0, 5] {
        scene.tick(events).await;
    }
    let minutes = scene.minutes();
    assert_eq!(messages(&minutes), [(60, 6), (60, 70), (20, 5)]);
    let times: Vec<_> = minutes.iter().map(|minute| (minute.p50_ms, minute.p99_ms)).collect();
    assert_eq!(times, [(Some(1.0), Some(1.0)), (Some(100.0), Some(100.0)), (Some(5.0), Some(5.0))]);
    assert_eq!(rate(&minutes), 75 * 60 / 80);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_an_hour_is_kept() {
    let mut scene = Scene::new();
    scene.tick(1000).await;
    for _ in 0..365 {
        scene.tick(1).await;
    }
    let minutes = scene.minutes();
    assert_eq!(minutes.len(), 61);
    assert!(messages(&minutes[..60]).iter().all(|it| *it == (60, 6)), "{minutes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_noted_with_its_age() {
    let mut scene = Scene::new();
    scene.commits.gaps.inc();
    scene.commits.missed.inc_by(7);
    scene.tick(0).await;
    scene.tick(0).await;
    scene.tick(0).await;
    let gaps = scene.history.gaps();
    assert_eq!((gaps.len(), gaps[0].missed, gaps[0].age_s), (1, 7, 20));
}

#[test]
fn without_any_time_there_is_no_rate() {
    assert_eq!(rate(&[]), 0);
}
