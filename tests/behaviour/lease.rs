//! Of several instances one fetches, the others stand by.

use std::time::Duration;

use anyhow::ensure;
use harness::{Bus, Service};
use redis::AsyncCommands;
use vk_simulator::Options;

use super::common::{Outcome, Scene, stop};

const WORKS: &str = "fetching for this community";
const STANDS_BY: &str = "another instance fetches for this community; standing by";
const LEASE: &str = "{toaster}:lease:218730916";

/// An instance that fetches and one that stands by.
async fn two(scene: &Scene) -> anyhow::Result<(Service, Service)> {
    let first = scene.start().await?;
    let second = scene.spawn()?;
    second.says(STANDS_BY).await?;
    Ok((first, second))
}

#[tokio::test]
async fn a_second_instance_stands_by_and_leaves_vk_alone() -> Outcome {
    let scene = Scene::new().await?;
    let (first, second) = two(&scene).await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    ensure!(scene.vk.stats().calls["groups.getLongPollServer"] == 1);
    ensure!(!second.output().contains(WORKS), "{}", second.output());
    stop(second).await?;
    stop(first).await
}

#[tokio::test]
async fn after_a_kill_the_standby_takes_over_when_the_lease_is_out() -> Outcome {
    let options = Options { max_updates_per_reply: 20, ..Options::default() };
    let scene = Scene::with(options).await?;
    let (mut first, second) = two(&scene).await?;
    let from = scene.vk.ts();
    scene.vk.generate(1000);
    scene.bus().await?.reaches(from + 300).await?;
    first.kill().await?;
    second.says(WORKS).await?;
    scene.all_arrived().await?;
    stop(second).await
}

/// The lease is so long that only its release explains the quick takeover.
#[tokio::test]
async fn after_a_clean_stop_the_standby_takes_over_at_once() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__LEASE", "5m");
    let first = scene.start().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    stop(first).await?;
    let second = scene.spawn()?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(second).await
}

/// A waiting standby checks the lease every tenth of its term.
#[tokio::test]
async fn a_waiting_standby_notices_a_lease_given_back_before_its_end() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__LEASE", "30s");
    let (first, second) = two(&scene).await?;
    stop(first).await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(second).await
}

/// The old leader wakes up, still believes that it holds the lease, and is fenced.
#[tokio::test]
async fn an_instance_that_slept_beyond_its_lease_writes_nothing_more() -> Outcome {
    let scene = Scene::new().await?;
    let (first, second) = two(&scene).await?;
    scene.vk.generate(50);
    scene.settled().await?;
    first.signal("STOP").await?;
    scene.vk.generate(50);
    second.says(WORKS).await?;
    scene.all_arrived().await?;
    let before = scene.bus().await?.whole_position().await?;

    first.signal("CONT").await?;
    first.says("continuing from the position in Redis").await?;
    first.says(STANDS_BY).await?;
    scene.all_arrived().await?;
    let after = scene.bus().await?.whole_position().await?;
    ensure!(after == before, "{after:?} after {before:?}");

    scene.vk.generate(50);
    scene.all_arrived().await?;
    let end = scene.bus().await?.whole_position().await?;
    ensure!((&end["holder"], &end["epoch"]) == (&before["holder"], &before["epoch"]));
    // And back: the fenced instance can take over again.
    stop(second).await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(first).await
}

/// The lease is lost long before its next renewal, so that the commit itself is rejected; deduplication is
/// off, so that it cannot hide duplicates.
#[tokio::test]
async fn a_commit_after_a_takeover_is_rejected_as_a_whole() -> Outcome {
    let scene =
        Scene::new().await?.set("FETCHER_BUS__LEASE", "20s").set("FETCHER_BUS__DEDUP_WINDOW", "0");
    let (first, second) = two(&scene).await?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    first.signal("STOP").await?;
    let () = scene.connect().await?.del("{toaster}:lease:218730916").await?;
    scene.vk.generate(50);
    second.says(WORKS).await?;
    scene.all_arrived().await?;
    // Beyond the old leader's batch, whose commit would otherwise look like one that was sent again.
    scene.vk.generate(50);
    scene.all_arrived().await?;
    let before = scene.bus().await?.whole_position().await?;

    first.signal("CONT").await?;
    first.says("continuing from the position in Redis").await?;
    scene.all_arrived().await?;
    let after = scene.bus().await?.whole_position().await?;
    ensure!(after == before, "{after:?} after {before:?}");
    stop(first).await?;
    stop(second).await
}

/// As set by hand, or by a tool that restores keys without their TTL.
#[tokio::test]
async fn a_lease_without_a_ttl_is_reported_and_taken_over_after_a_term() -> Outcome {
    let scene = Scene::new().await?;
    let first = scene.start().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    stop(first).await?;
    let mut redis = scene.connect().await?;
    let () = redis.set(LEASE, "a hand").await?;
    scene.vk.generate(50);
    let second = scene.spawn()?;
    second.says(WORKS).await?;
    scene.all_arrived().await?;
    ensure!(second.output().matches("the lease has no TTL").count() == 1, "{}", second.output());
    ensure!(second.output().contains(LEASE), "{}", second.output());
    ensure!(!second.output().contains(STANDS_BY), "{}", second.output());
    ensure!(redis.pttl::<_, i64>(LEASE).await? > 0);
    stop(second).await
}

/// A running instance renews the TTL long before a lease term is over.
#[tokio::test]
async fn a_lease_whose_ttl_was_removed_stays_with_a_running_instance() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__LEASE", "5s");
    let (first, second) = two(&scene).await?;
    let mut redis = scene.connect().await?;
    let () = redis.persist(LEASE).await?;
    second.says("the lease has no TTL").await?;
    while redis.pttl::<_, i64>(LEASE).await? < 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.vk.generate(50);
    scene.all_arrived().await?;
    ensure!(scene.bus().await?.position("epoch").await? == Some(1));
    ensure!(!second.output().contains(WORKS), "{}", second.output());
    stop(second).await?;
    stop(first).await
}

/// A standby stops like any instance and does not touch the lease.
#[tokio::test]
async fn a_standby_stops_at_once_and_the_leader_continues() -> Outcome {
    let scene = Scene::new().await?;
    let (first, second) = two(&scene).await?;
    stop(second).await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(first).await
}

/// Without another instance, the lease is taken again and nothing is lost.
#[tokio::test]
async fn a_single_instance_that_slept_beyond_its_lease_continues() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    service.signal("STOP").await?;
    let mut redis = scene.connect().await?;
    while redis.exists("{toaster}:lease:218730916").await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.vk.generate(50);
    service.signal("CONT").await?;
    scene.all_arrived().await?;
    ensure!(!service.output().contains("another instance"), "{}", service.output());
    ensure!(scene.bus().await?.position("epoch").await? == Some(1));
    stop(service).await
}

/// Communities share only the streams of a namespace.
#[tokio::test]
async fn instances_of_another_community_do_not_compete() -> Outcome {
    let scene = Scene::new().await?;
    let other = Scene::with(Options { group_id: 5, seed: 5, ..Options::default() }).await?;
    let other = other.set("FETCHER_BUS__URL", scene.redis.url());
    let first = scene.start().await?;
    let second = other.spawn()?;
    let bus_of_other = Bus::of(&scene.redis, 5).await?;
    bus_of_other.has_a_position().await?;
    scene.say("Hi!");
    scene.settled().await?;
    other.say("Hi!");
    bus_of_other.stands_at(other.vk.ts()).await?;
    let entries = bus_of_other.entries("{toaster}:message").await?;
    let groups: Vec<_> = entries.iter().map(|entry| entry["group_id"].as_str()).collect();
    ensure!(groups == ["218730916", "5"], "{groups:?}");
    ensure!(!second.output().contains(STANDS_BY), "{}", second.output());
    stop(second).await?;
    stop(first).await
}
