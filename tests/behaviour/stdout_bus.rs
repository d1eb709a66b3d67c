//! With `stdout:` the events, and nothing else, go to standard output.

use anyhow::ensure;
use serde_json::Value;
use vk_simulator::Options;

use super::common::{Outcome, Scene, contains, stop};

#[tokio::test]
async fn events_are_json_lines_on_standard_output_and_the_log_is_elsewhere() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__URL", "stdout:");
    let service = scene.spawn()?;
    let log = service.says("no position is stored").await?;
    contains(&log, "while the service is stopped are lost")?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    let first = scene.say("Hi!");
    let second = scene.say("/help");
    scene.vk.push_raw("7".to_owned());
    let last = scene.say("bye");
    service.prints(&last).await?;
    service.says("an update could not become an event").await?;

    let events: Vec<Value> =
        service.stdout().iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let ids: Vec<_> = events.iter().map(|it| it["event_id"].clone()).collect();
    ensure!(ids == [first, second, last], "{ids:?}");
    ensure!(events[1]["event_type"] == "command" && events[1]["user"]["nick"] == "oidaho");
    ensure!(service.stderr().iter().any(|line| line.contains("event-fetcher starts")));
    stop(service).await
}

/// Even with the most verbose log.
#[tokio::test]
async fn a_thousand_events_are_a_thousand_lines_in_order() -> Outcome {
    let scene = Scene::with(Options { unconvertible: 0.0, ..Options::default() })
        .await?
        .set("FETCHER_BUS__URL", "stdout:")
        .set("FETCHER_LOG__LEVEL", "debug");
    let service = scene.spawn()?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    scene.vk.generate(1000);
    let last = scene.say("the last");
    service.prints(&last).await?;
    let expected = scene.expected();
    let lines = service.stdout();
    ensure!(lines.len() == expected.events(), "{} lines", lines.len());
    for line in lines {
        let event: Value = serde_json::from_str(&line)?;
        ensure!(event["event_id"].as_str().is_some_and(|id| id.len() == 40), "{line}");
    }
    stop(service).await
}
