//! Trimming of streams, which spares what a consumer group still has to read and acknowledge.

use anyhow::{Context, ensure};
use harness::{Bus, Service};
use redis::{AsyncCommands, aio::MultiplexedConnection, streams::StreamReadReply};
use serde_json::json;
use vk_simulator::Options;

use super::common::{Outcome, Scene, message, stop};

const STREAM: &str = "{toaster}:message";
const CAP: usize = 1000;
/// Updates in VK's queue: three times the cap of the stream.
const QUEUED: u64 = 3000;
const A_REPLY: usize = 20;
/// What the service may fetch ahead of its commits: 64 batches, and some between the stages.
const AHEAD: u64 = 68 * A_REPLY as u64;

async fn scene() -> anyhow::Result<(Scene, Service, MultiplexedConnection)> {
    let options = Options { max_updates_per_reply: A_REPLY, ..Options::default() };
    let scene = Scene::with(options).await?.set("FETCHER_BUS__STREAM_LENGTH", CAP.to_string());
    let service = scene.start().await?;
    let redis = scene.connect().await?;
    Ok((scene, service, redis))
}

/// Messages with the numbers 1, 2, 3, ... as their `cmid`.
fn queue(scene: &Scene) {
    let updates: Vec<_> = (1..=QUEUED).map(|number| message(number, json!({}))).collect();
    scene.vk.push_all(&updates);
}

async fn make_group(redis: &mut MultiplexedConnection) -> Outcome {
    Ok(redis.xgroup_create_mkstream(STREAM, "readers", "0").await?)
}

/// The next entries of the group's worker: their ids and their events' `cmid`.
async fn read(
    redis: &mut MultiplexedConnection,
    most: usize,
) -> anyhow::Result<Vec<(String, u64)>> {
    let reply: StreamReadReply = redis::cmd("XREADGROUP")
        .arg(&["GROUP", "readers", "worker", "COUNT"])
        .arg(most)
        .arg(&["BLOCK", "20", "STREAMS", STREAM, ">"])
        .query_async(redis)
        .await?;
    let entries = reply.keys.into_iter().flat_map(|key| key.ids);
    entries
        .map(|entry| {
            Ok((entry.id.clone(), cmid(&entry.get::<String>("data").context("no data")?)?))
        })
        .collect()
}

fn cmid(data: &str) -> anyhow::Result<u64> {
    let event: serde_json::Value = serde_json::from_str(data)?;
    event["message"]["cmid"].as_u64().context("no cmid")
}

async fn cmids(bus: &Bus) -> anyhow::Result<Vec<u64>> {
    bus.entries(STREAM).await?.iter().map(|entry| cmid(&entry["data"])).collect()
}

#[tokio::test]
async fn what_a_group_has_yet_to_read_stays_and_fetching_pauses_until_it_has() -> Outcome {
    let (scene, service, mut redis) = scene().await?;
    make_group(&mut redis).await?;
    queue(&scene);
    service.says("this consumer group is so far behind").await?;
    let bus = scene.bus().await?;
    let held = cmids(&bus).await?;
    ensure!(held.len() <= CAP && held.iter().copied().eq(1..=held.len() as u64), "{held:?}");
    let served = scene.vk.stats().updates_served;
    ensure!(served <= CAP as u64 + AHEAD, "{served} updates were fetched, so polls went on");

    let mut seen = Vec::new();
    while seen.len() < usize::try_from(QUEUED)? {
        for (id, cmid) in read(&mut redis, 70).await? {
            seen.push(cmid);
            let () = redis.xack(STREAM, "readers", &[id]).await?;
        }
        let length = cmids(&bus).await?.len();
        ensure!(length <= CAP, "{length} entries");
    }
    ensure!(seen.iter().copied().eq(1..=QUEUED), "not all, or not in order");
    scene.settled().await?;
    stop(service).await
}

#[tokio::test]
async fn what_a_group_has_read_but_not_acknowledged_stays() -> Outcome {
    let (scene, service, mut redis) = scene().await?;
    make_group(&mut redis).await?;
    scene.vk.push(&message(0, json!({})));
    scene.settled().await?;
    let first = read(&mut redis, 1).await?;
    queue(&scene);
    // Its neighbours are acknowledged, so only the pending entry can stop the trimming.
    loop {
        let others = read(&mut redis, CAP).await?;
        for (id, _) in &others {
            let () = redis.xack(STREAM, "readers", &[id]).await?;
        }
        if service.output().contains("this consumer group is so far behind") {
            break;
        }
    }
    ensure!(cmids(&scene.bus().await?).await?.first() == Some(&0), "the pending entry is gone");
    let () = redis.xack(STREAM, "readers", &[&first[0].0]).await?;
    while scene.bus().await?.position("ts").await? < Some(scene.vk.ts()) {
        for (id, _) in read(&mut redis, CAP).await? {
            let () = redis.xack(STREAM, "readers", &[id]).await?;
        }
    }
    stop(service).await
}

/// The group is set back to the start, and its old pending entry is far behind what it reads next.
#[tokio::test]
async fn what_a_group_that_replays_has_yet_to_read_stays() -> Outcome {
    const FIRST: u64 = 500;
    let (scene, service, mut redis) = scene().await?;
    make_group(&mut redis).await?;
    let updates: Vec<_> = (1..=FIRST).map(|number| message(number, json!({}))).collect();
    scene.vk.push_all(&updates);
    scene.settled().await?;
    let mut entries = read(&mut redis, CAP).await?;
    ensure!(entries.len() == usize::try_from(FIRST)?, "{} were read", entries.len());
    entries.pop();
    for (id, _) in &entries {
        let () = redis.xack(STREAM, "readers", &[id]).await?;
    }
    let () = redis.xgroup_setid(STREAM, "readers", "0").await?;

    let updates: Vec<_> = (FIRST + 1..=QUEUED).map(|number| message(number, json!({}))).collect();
    scene.vk.push_all(&updates);
    service.says("this consumer group is so far behind").await?;
    let held = cmids(&scene.bus().await?).await?;
    ensure!(held.iter().copied().eq(1..=held.len() as u64), "{:?} is the first", held.first());

    let mut seen = Vec::new();
    while seen.len() < usize::try_from(QUEUED)? {
        for (id, cmid) in read(&mut redis, 70).await? {
            seen.push(cmid);
            let () = redis.xack(STREAM, "readers", &[id]).await?;
        }
    }
    ensure!(seen.iter().copied().eq(1..=QUEUED), "not all, or not in order");
    scene.settled().await?;
    stop(service).await
}

#[tokio::test]
async fn without_a_group_the_oldest_go() -> Outcome {
    let (scene, service, _) = scene().await?;
    queue(&scene);
    let kept = cmids(&scene.settled().await?).await?;
    let first = QUEUED + 1 - kept.len() as u64;
    ensure!(kept.iter().copied().eq(first..=QUEUED), "not the newest, or not in order");
    // One trimming removes a reply and a hundredth of the cap at most.
    ensure!((CAP - 2 * A_REPLY..=CAP).contains(&kept.len()), "{} entries", kept.len());
    stop(service).await
}
