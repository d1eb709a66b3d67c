//! Large batches, and more updates than the service can process.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use tokio::time::timeout;
use vk_simulator::{Fault, Options};

use super::common::{Outcome, Scene, message, stop};

/// VK's queue is the buffer, not the service's memory.
#[tokio::test]
async fn while_names_are_missing_a_bounded_number_of_batches_is_fetched_ahead() -> Outcome {
    const QUEUED: usize = 300;
    let scene = Scene::with(Options { max_updates_per_reply: 1, ..Options::default() })
        .await?
        .set("FETCHER_VK__TIMEOUT", "1m");
    let service = scene.start().await?;
    scene.vk.inject("users.get", Fault::Stall(None), u32::MAX);
    let updates: Vec<_> = (1..=QUEUED as u64).map(|number| message(number, json!({}))).collect();
    scene.vk.push_all(&updates);
    // Polls continue while names are missing ...
    scene.vk.until(|stats| stats.updates_served >= 10).await;
    // ... but only up to the bound. There is no event to await for polls that must not happen.
    let more = scene.vk.until(|stats| stats.updates_served >= 70);
    ensure!(timeout(Duration::from_secs(3), more).await.is_err(), "{:?}", scene.vk.stats());
    stop(service).await?;
    ensure!(scene.bus().await?.events("{toaster}:message").await?.is_empty());
    Ok(())
}

/// Large updates reach the bound earlier than small ones.
#[tokio::test]
async fn while_names_are_missing_a_bounded_number_of_bytes_is_fetched_ahead() -> Outcome {
    let scene = Scene::with(Options { max_updates_per_reply: 1, ..Options::default() })
        .await?
        .set("FETCHER_VK__TIMEOUT", "1m");
    let service = scene.start().await?;
    scene.vk.inject("users.get", Fault::Stall(None), u32::MAX);
    let text = "x".repeat(512 << 10);
    let updates: Vec<_> = (1..=40).map(|number| message(number, json!({"text": text}))).collect();
    scene.vk.push_all(&updates);
    scene.vk.until(|stats| stats.updates_served >= 4).await;
    // Seven wait for names, and one between each pair of stages.
    let more = scene.vk.until(|stats| stats.updates_served >= 12);
    ensure!(timeout(Duration::from_secs(3), more).await.is_err(), "{:?}", scene.vk.stats());
    stop(service).await
}

/// VK documents no limit for a reply.
#[tokio::test]
async fn one_reply_of_twenty_thousand_updates_is_one_commit() -> Outcome {
    let options = Options { max_updates_per_reply: 100_000, ..Options::default() };
    let scene = Scene::with(options).await?;
    let service = scene.start().await?;
    let updates: Vec<_> = (1..=20_000).map(|number| message(number, json!({}))).collect();
    scene.vk.push_all(&updates);
    scene.all_arrived().await?;
    let position = scene.bus().await?.whole_position().await?;
    ensure!(position["generation"] == "2", "{position:?}");
    let output = service.output();
    let warned = output.lines().any(|it| it.contains("WARN") && !it.contains("preflight check"));
    ensure!(!warned, "{output}");
    stop(service).await
}

#[tokio::test]
async fn updates_that_trickle_in_cost_no_call_each() -> Outcome {
    let scene = Scene::with(Options { chats: 5, users: 20, ..Options::default() }).await?;
    let service = scene.start().await?;
    for _ in 0..100 {
        scene.say("Hi!");
        scene.settled().await?;
    }
    let stats = scene.vk.stats();
    let (start_up_check, members, asked) = (2, 1, stats.calls.values().sum::<u64>());
    ensure!(asked <= 2 + start_up_check + members, "{:?}", stats.calls);
    stop(service).await
}
