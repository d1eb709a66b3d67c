//! Endless failures and immediate useless answers cause no hot loop.

use std::time::{Duration, Instant};

use anyhow::ensure;
use vk_simulator::{Fault, Target};

use super::common::{Outcome, Scene, stop};

/// Each key is used once, and the pauses between requests for keys grow.
#[tokio::test]
async fn keys_that_never_work_are_requested_ever_more_slowly() -> Outcome {
    const SERVERS: &str = "groups.getLongPollServer";
    let scene = Scene::new().await?;
    scene.vk.inject(Target::Poll, Fault::Failed(2), 3);
    let service = scene.spawn()?;
    let mut asked = Vec::new();
    for calls in 1..=4 {
        scene.vk.until(|stats| stats.calls.get(SERVERS).is_some_and(|&it| it >= calls)).await;
        asked.push(Instant::now());
    }
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    ensure!(pauses[2] > pauses[0], "{pauses:?}");
    scene.bus().await?.has_a_position().await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!(stats.calls[SERVERS] == 4 && stats.faults["failed-2"] == 3, "{stats:?}");
    stop(service).await
}

/// A second is long enough for thousands of polls without a pause.
async fn polls_in_a_second(fault: Fault) -> anyhow::Result<u64> {
    let scene = Scene::new().await?;
    let name = fault.to_string();
    scene.vk.inject(Target::Poll, fault, u32::MAX);
    let service = scene.start().await?;
    scene.vk.until(|stats| stats.faults.contains_key(&name)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let polls = scene.vk.stats().faults[&name];
    stop(service).await?;
    Ok(polls)
}

/// VK answers `failed` 1 again and again.
#[tokio::test]
async fn endless_failed_1_is_no_hot_loop() -> Outcome {
    let polls = polls_in_a_second(Fault::Failed(1)).await?;
    ensure!(polls <= 20, "{polls} polls in a second");
    Ok(())
}

/// A proxy answers at once without content.
#[tokio::test]
async fn endless_early_empty_replies_are_no_hot_loop() -> Outcome {
    let polls = polls_in_a_second(Fault::EarlyEmpty).await?;
    ensure!(polls <= 20, "{polls} polls in a second");
    Ok(())
}

#[tokio::test]
async fn endless_failures_of_other_kinds_are_no_hot_loop() -> Outcome {
    for fault in [Fault::Failed(3), Fault::Failed(9), Fault::Status(502), Fault::ResetBefore] {
        let polls = polls_in_a_second(fault.clone()).await?;
        ensure!(polls <= 20, "{fault}: {polls} polls in a second");
    }
    Ok(())
}
