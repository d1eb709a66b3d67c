//! The service's own figures.

use std::{collections::HashMap, time::Duration};

use harness::STREAMS;
use redis::{
    AsyncCommands,
    streams::{StreamReadOptions, StreamReadReply},
};
use tokio::time::{Instant, interval};
use vk_simulator::Options;

use crate::{
    at_vks_pace,
    process::{peak_memory, processor_time},
    scene::Scene,
    table::Table,
    without_limits,
};

/// From the start of the process to its first poll.
pub(crate) async fn start(table: &mut Table) -> anyhow::Result<()> {
    let scene = Scene::with(without_limits()).await?;
    scene.begin().await?;
    scene.vk.until(|stats| stats.polls_held == 0).await;
    let begun = Instant::now();
    let (mut service, _) = scene.start()?;
    scene.vk.until(|stats| stats.polls_held > 0).await;
    table.add("start to the first poll, ms", begun.elapsed().as_secs_f64() * 1000.0);
    service.stop().await?;
    Ok(())
}

/// A backlog at VK's pace, from the process' start with no name known, and another one after it.
pub(crate) async fn backlog(table: &mut Table, updates: usize) -> anyhow::Result<()> {
    let scene = Scene::with(at_vks_pace()).await?;
    scene.begin().await?;
    scene.vk.generate(updates);
    let (mut service, _) = scene.start()?;
    for names in ["cold", "warm"] {
        let calls = scene.calls();
        let begun = Instant::now();
        if names == "warm" {
            scene.vk.generate(updates);
        }
        scene.settled().await?;
        let seconds = begun.elapsed().as_secs_f64();
        let calls = scene.calls() - calls;
        table.add(&format!("backlog, names {names}: updates/s"), number(updates) / seconds);
        table.add(
            &format!("backlog, names {names}: API calls an update"),
            number(calls) / number(updates),
        );
    }
    table
        .add("backlog: most API calls in a second", number(scene.vk.stats().peak_calls_per_second));
    service.stop().await?;
    Ok(())
}

/// 50 updates a second at VK's pace: the time from there being an update to its event being read.
pub(crate) async fn steady(table: &mut Table, seconds: u64) -> anyhow::Result<()> {
    let scene = Scene::with(Options { history: true, unconvertible: 0.0, ..at_vks_pace() }).await?;
    let (mut service, _) = scene.start()?;
    scene.bus.has_a_position().await?;
    let first = scene.vk.ts();
    let (born, read) = tokio::try_join!(
        async {
            let mut ticks = interval(Duration::from_millis(20));
            let mut born = HashMap::new();
            for _ in 0..50 * seconds {
                ticks.tick().await;
                let now = Instant::now();
                born.extend(scene.vk.generate(1).into_iter().map(|ts| (ts, now)));
            }
            anyhow::Ok(born)
        },
        read(&scene, first + 50 * seconds),
    )?;
    let mut latencies = Vec::new();
    for (ts, update) in scene.vk.updates() {
        let update: serde_json::Value = serde_json::from_str(&update)?;
        let Some(read) = update["event_id"].as_str().and_then(|id| read.get(id)) else { continue };
        latencies.push(read.duration_since(born[&ts]).as_secs_f64() * 1000.0);
    }
    latencies.sort_by(f64::total_cmp);
    let quantile = |share: usize| latencies[(latencies.len() - 1) * share / 100];
    table.add("50 updates/s: latency p50, ms", quantile(50));
    table.add("50 updates/s: latency p99, ms", quantile(99));
    service.stop().await?;
    Ok(())
}

/// Reads all streams until the position is `last`, and tells when each event was there, by its id.
async fn read(scene: &Scene, last: u64) -> anyhow::Result<HashMap<String, Instant>> {
    let mut redis = scene.redis.connect().await?;
    let mut from = STREAMS.map(|_| "0".to_owned());
    let options = StreamReadOptions::default().block(100).count(1000);
    let mut read = HashMap::new();
    loop {
        let done = scene.bus.position("ts").await? >= Some(last);
        let reply: Option<StreamReadReply> = redis.xread_options(&STREAMS, &from, &options).await?;
        let now = Instant::now();
        if reply.is_none() && done {
            return Ok(read);
        }
        for key in reply.into_iter().flat_map(|reply| reply.keys) {
            for entry in key.ids {
                read.insert(entry.get("event_id").unwrap_or_default(), now);
                if let Some(place) = STREAMS.iter().position(|stream| *stream == key.key) {
                    from[place] = entry.id;
                }
            }
        }
    }
}

/// A backlog without limits: how fast, at what cost, with how much memory.
pub(crate) async fn unlimited(
    table: &mut Table,
    options: &Options,
    updates: usize,
) -> anyhow::Result<()> {
    let figures = flat_out(options, updates).await?;
    table.add("no limits: updates/s", figures.rate);
    table.add("no limits: processor time, ms an update", figures.processor);
    table.add("no limits: peak memory, MiB", figures.memory);
    Ok(())
}

/// What a backlog without limits took.
pub(crate) struct Figures {
    /// Updates a second.
    pub(crate) rate: f64,
    /// Milliseconds of processor time an update.
    pub(crate) processor: f64,
    /// MiB at most.
    pub(crate) memory: f64,
}

pub(crate) async fn flat_out(options: &Options, updates: usize) -> anyhow::Result<Figures> {
    let scene = Scene::with(options.clone()).await?;
    scene.begin().await?;
    scene.vk.generate(updates);
    let begun = Instant::now();
    let (mut service, pid) = scene.start()?;
    scene.settled().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let processor = processor_time(pid)?.as_secs_f64() * 1000.0;
    let memory = peak_memory(pid)?;
    service.stop().await?;
    Ok(Figures { rate: number(updates) / seconds, processor: processor / number(updates), memory })
}

/// Numbers here are far from where a float would round them.
#[expect(clippy::cast_precision_loss, reason = "counts of this size are exact")]
pub(crate) fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or_default() as f64
}
