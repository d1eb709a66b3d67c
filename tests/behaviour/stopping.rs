//! A stop is quick and clean, and loses nothing.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use vk_simulator::{Fault, Options, Target};

use super::common::{Outcome, Scene, ends_with, stop};

/// A VK that returns a backlog in small replies.
fn slow_vk() -> Options {
    Options {
        max_updates_per_reply: 20,
        poll_latency: Duration::from_millis(5),
        ..Options::default()
    }
}
async fn stops_in_the_middle_of_a_backlog(signal: &str) -> Outcome {
    let scene = Scene::with(slow_vk()).await?;
    let service = scene.start().await?;
    let from = scene.vk.ts();
    scene.vk.generate(2000);
    let bus = scene.bus().await?;
    bus.reaches(from + 500).await?;
    service.signal(signal).await?;
    ends_with(service, 0).await?;
    let stopped_at = bus.position("ts").await?;
    ensure!(stopped_at < Some(scene.vk.ts()), "the backlog was not in the middle");

    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn sigterm_in_the_middle_of_a_backlog_loses_and_duplicates_nothing() -> Outcome {
    stops_in_the_middle_of_a_backlog("TERM").await
}

#[tokio::test]
async fn sigint_in_the_middle_of_a_backlog_loses_and_duplicates_nothing() -> Outcome {
    stops_in_the_middle_of_a_backlog("INT").await
}

#[tokio::test]
async fn batches_received_before_the_stop_are_still_committed() -> Outcome {
    let options = Options { api_latency: Duration::from_millis(300), ..Options::default() };
    let scene = Scene::with(options).await?;
    let service = scene.start().await?;
    scene.vk.generate(50);
    scene.vk.until(|stats| stats.asked("users.get") > 0).await;
    stop(service).await?;
    scene.all_arrived().await
}

/// The look-ups of the batch are not answered: the next start fetches the batch again.
#[tokio::test]
async fn a_hanging_api_does_not_hold_up_a_stop() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_VK__TIMEOUT", "1m");
    let service = scene.start().await?;
    scene.vk.inject("users.get", Fault::Stall(None), 1);
    scene.say("Hi!");
    scene.vk.until(|stats| stats.faults.contains_key("stall")).await;
    stop(service).await?;
    ensure!(scene.vk.stats().asked("users.get") == 1);

    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn a_second_signal_does_not_wait() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_VK__TIMEOUT", "1m");
    let service = scene.start().await?;
    scene.vk.inject("users.get", Fault::Stall(None), 1);
    scene.say("Hi!");
    scene.vk.until(|stats| stats.faults.contains_key("stall")).await;
    service.signal("TERM").await?;
    service.says("stopping").await?;
    service.signal("TERM").await?;
    ends_with(service, 130).await?;

    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn a_stop_does_not_wait_for_redis() -> Outcome {
    let port = harness::free_port()?;
    let scene = Scene::new().await?.set("FETCHER_BUS__URL", format!("redis://127.0.0.1:{port}"));
    let service = scene.spawn()?;
    service.says("Redis does not serve the lease").await?;
    stop(service).await?;
    ensure!(scene.vk.stats().calls.is_empty(), "VK was asked before there was a lease");
    Ok(())
}

/// Redis is lost while an update waits to be committed.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_commit_that_redis_does_not_take() -> Outcome {
    let mut scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.redis.kill().await?;
    scene.say("Hi!");
    service.says("Redis does not serve a commit").await?;
    stop(service).await
}

/// Redis accepts connections but does not answer; its time-out is a minute.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_redis_that_hangs() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__TIMEOUT", "1m");
    let service = scene.start().await?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    scene.redis.signal("STOP").await?;
    stop(service).await
}

/// VK holds the poll for up to 25 seconds.
#[tokio::test]
async fn a_stop_does_not_wait_for_the_poll_under_way() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_VK__WAIT", "25s");
    let service = scene.start().await?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    stop(service).await?;
    ensure!(scene.vk.stats().polls.is_empty(), "the poll was answered first");
    Ok(())
}

/// As when a container is stopped just after its start: the signal comes only once.
#[tokio::test]
async fn a_stop_is_honoured_from_the_first_line_on() -> Outcome {
    for _ in 0..5 {
        let scene = Scene::new().await?;
        let service = scene.spawn()?;
        service.says("event-fetcher starts").await?;
        stop(service).await?;
    }
    Ok(())
}

/// A stop ends the pauses between retries.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_pause() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.inject(Target::Poll, Fault::Status(502), 1000);
    let service = scene.start().await?;
    scene.vk.until(|stats| stats.faults.get("http-502").is_some_and(|count| *count >= 3)).await;
    stop(service).await
}

#[tokio::test]
async fn the_last_log_line_sums_up_what_was_done() -> Outcome {
    let scene = Scene::new().await?;
    let mut service = scene.start().await?;
    scene.say("Hi!");
    scene.say("/help");
    scene.vk.push(&json!({"type": "group_join", "object": {}}));
    scene.vk.push(&json!({"type": "message_new", "object": {}}));
    scene.all_arrived().await?;
    service.stop().await?;
    let words = service.says("stopped").await?;
    for word in ["events 2 (command 1, message 1)", "not routed 1 (group_join 1)", "dead letters 1"]
    {
        ensure!(words.contains(word), "{word} is not in {words}");
    }
    Ok(())
}
