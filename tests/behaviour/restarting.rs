//! Whatever is killed, disconnected or restarted, nothing is lost and nothing is duplicated.

use std::time::Duration;

use anyhow::ensure;
use harness::RedisServer;
use vk_simulator::Options;

use super::common::{FIRST_TS, Outcome, Scene, stop};

/// A VK that returns a backlog in small replies.
fn slow_vk() -> Options {
    Options {
        max_updates_per_reply: 10,
        poll_latency: Duration::from_millis(5),
        ..Options::default()
    }
}

/// A Redis that fsyncs every write before it acknowledges it.
async fn durable_redis() -> anyhow::Result<RedisServer> {
    RedisServer::with_options(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .await
}
#[tokio::test]
async fn killed_again_and_again_in_a_backlog_it_loses_and_duplicates_nothing() -> Outcome {
    let scene = Scene::with(slow_vk()).await?;
    let mut service = scene.start().await?;
    let from = scene.vk.ts();
    scene.vk.generate(1500);
    for kill in 1..=5 {
        // At a different moment of a commit each time.
        scene.bus().await?.reaches(from + kill * 203).await?;
        service.kill().await?;
        let at = scene.bus().await?.position("ts").await?;
        ensure!(at < Some(scene.vk.ts()), "the backlog was over before kill {kill}");
        service = scene.start().await?;
    }
    scene.all_arrived().await?;
    stop(service).await
}
#[tokio::test]
async fn what_came_while_it_was_down_is_delivered() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    stop(service).await?;
    scene.vk.generate(200);
    let service = scene.start().await?;
    scene.all_arrived().await?;
    ensure!(scene.bus().await?.position("gaps").await?.is_none());
    stop(service).await
}
#[tokio::test]
async fn a_first_start_takes_the_servers_position_keeps_it_and_says_so() -> Outcome {
    let scene = Scene::new().await?;
    let before = scene.vk.generate(30);
    let service = scene.start().await?;
    service.says("no position stored").await?;
    let last = FIRST_TS + before.len() as u64;
    ensure!(scene.bus().await?.position("ts").await? == Some(last));
    stop(service).await?;

    // The position is kept although no update came: the second start continues from it.
    scene.vk.generate(30);
    let service = scene.start().await?;
    scene.all_arrived_but(|ts| before.contains(&ts)).await?;
    ensure!(!service.output().contains("no position stored"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_waited_for() -> Outcome {
    let mut scene = Scene::new().await?;
    scene.redis.kill().await?;
    let service = scene.spawn()?;
    service.says("Redis does not serve the lease").await?;
    scene.redis.start_again().await?;
    scene.bus().await?.has_a_position().await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    // The network of a container may be connected after its start: that alarms nobody.
    ensure!(!service.output().contains("WARN Redis"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn a_redis_killed_and_started_again_costs_nothing() -> Outcome {
    let mut scene = Scene::on(durable_redis().await?, slow_vk()).await?;
    let service = scene.start().await?;
    let from = scene.vk.ts();
    scene.vk.generate(1000);
    for kill in 1..=3 {
        scene.bus().await?.reaches(from + kill * 251).await?;
        scene.redis.kill().await?;
        service.says_times("Redis does not serve", usize::try_from(kill)?).await?;
        scene.redis.start_again().await?;
    }
    scene.all_arrived().await?;
    stop(service).await
}

/// The commit reaches Redis, its reply comes too late: it is sent again and has no further effect.
#[tokio::test]
async fn a_commit_whose_reply_is_late_is_sent_again_and_recognised() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__TIMEOUT", "200ms");
    let service = scene.start().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    scene.redis.signal("STOP").await?;
    scene.vk.generate(50);
    service.says("Redis does not serve a commit").await?;
    scene.redis.signal("CONT").await?;
    scene.all_arrived().await?;
    service.says("this commit had already been applied").await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(service).await
}

/// The service is killed while Redis delays its commit: the next start finds it applied.
#[tokio::test]
async fn a_commit_that_outlives_its_sender_is_not_applied_twice() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__TIMEOUT", "200ms");
    let mut service = scene.start().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    scene.redis.signal("STOP").await?;
    scene.vk.generate(50);
    service.says("Redis does not serve a commit").await?;
    service.kill().await?;
    let service = scene.spawn()?;
    service.says("Redis does not serve the lease").await?;
    scene.redis.signal("CONT").await?;
    scene.all_arrived().await?;
    service.says("fetching for this community").await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(service).await
}
