//! Redis comes back with older data: the service goes back to that position and fetches again.

use anyhow::ensure;
use harness::RedisServer;
use redis::aio::MultiplexedConnection;
use vk_simulator::Options;

use super::common::{Outcome, Scene, stop};

/// All keys with their content and TTL.
async fn snapshot(
    redis: &mut MultiplexedConnection,
) -> anyhow::Result<Vec<(String, i64, Vec<u8>)>> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(redis).await?;
    let mut snapshot = Vec::new();
    for key in keys {
        let (left, dump) =
            redis::pipe().pttl(&key).cmd("DUMP").arg(&key).query_async(redis).await?;
        snapshot.push((key, left, dump));
    }
    Ok(snapshot)
}

/// Restores all keys atomically.
async fn restore(
    redis: &mut MultiplexedConnection,
    snapshot: &[(String, i64, Vec<u8>)],
) -> anyhow::Result<()> {
    let mut all = redis::pipe();
    all.atomic().cmd("FLUSHALL").ignore();
    for (key, left, dump) in snapshot {
        all.cmd("RESTORE").arg(key).arg((*left).max(0)).arg(dump).ignore();
    }
    Ok(all.query_async(redis).await?)
}

#[tokio::test]
async fn after_a_rollback_under_a_running_service_events_are_fetched_again() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    let older = snapshot(&mut redis).await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;

    restore(&mut redis, &older).await?;
    scene.vk.generate(10);
    scene.all_arrived().await?;
    service.says("Redis was rolled back").await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    stop(service).await
}

/// In a quiet community no commit notices the rollback; the renewal of the lease does.
#[tokio::test]
async fn a_rollback_is_noticed_while_nothing_new_comes() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    let older = snapshot(&mut redis).await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;

    restore(&mut redis, &older).await?;
    service.says("Redis was rolled back").await?;
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn after_a_rollback_before_a_start_events_are_fetched_again() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    scene.vk.generate(100);
    scene.settled().await?;
    let older = snapshot(&mut redis).await?;
    scene.vk.generate(100);
    scene.settled().await?;
    stop(service).await?;

    restore(&mut redis, &older).await?;
    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

/// As after a power cut with periodic snapshots.
#[tokio::test]
async fn a_redis_that_lost_its_latest_writes_gets_them_again() -> Outcome {
    let redis = RedisServer::with_options(&["--save", "", "--appendonly", "no"]).await?;
    let mut scene = Scene::on(redis, Options::default()).await?;
    let service = scene.start().await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    let () = redis::cmd("SAVE").query_async(&mut scene.connect().await?).await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;

    scene.redis.kill().await?;
    scene.redis.start_again().await?;
    ensure!(scene.bus().await?.position("ts").await? == Some(scene.vk.ts() - 100));
    scene.vk.generate(100);
    scene.all_arrived().await?;
    stop(service).await
}

/// Without a position in Redis the service continues from its own.
#[tokio::test]
async fn a_redis_that_was_emptied_gets_all_that_is_new() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let gone = scene.vk.generate(100);
    scene.all_arrived().await?;
    let () = redis::cmd("FLUSHALL").query_async(&mut scene.connect().await?).await?;
    scene.vk.generate(100);
    scene.all_arrived_but(|ts| gone.contains(&ts)).await?;
    scene.vk.generate(50);
    scene.all_arrived_but(|ts| gone.contains(&ts)).await?;
    stop(service).await
}

/// The position is older than VK's queue: the loss is reported.
#[tokio::test]
async fn a_state_older_than_vks_queue_is_a_gap() -> Outcome {
    let scene = Scene::with(Options { retention: 50, ..Options::default() }).await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    scene.vk.generate(20);
    scene.all_arrived().await?;
    let older = snapshot(&mut redis).await?;
    let kept_till = scene.vk.ts();
    for _ in 0..4 {
        scene.vk.generate(40);
        scene.settled().await?;
    }
    restore(&mut redis, &older).await?;
    scene.vk.generate(5);
    service.says("VK lost updates").await?;
    let (bus, lost_till) = (scene.settled().await?, scene.vk.ts());
    ensure!(bus.position("updates_lost").await? == Some(lost_till - kept_till));
    scene.vk.generate(20);
    scene.all_arrived_but(|ts| ts > kept_till && ts <= lost_till).await?;
    stop(service).await
}
