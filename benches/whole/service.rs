//! The figures of the service.

use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;
use vk_simulator::{Options, Simulator};

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
    let started = Instant::now();
    let (mut service, _) = scene.start()?;
    scene.vk.until(|stats| stats.polls_held > 0).await;
    table.add("start to the first poll, ms", started.elapsed().as_secs_f64() * 1000.0);
    service.stop().await?;
    Ok(())
}

/// A backlog at VK's pace from the start of the process, with an empty cache, and a second one after it.
pub(crate) async fn backlog(table: &mut Table, updates: usize) -> anyhow::Result<()> {
    let scene = Scene::with(at_vks_pace()).await?;
    scene.begin().await?;
    scene.vk.generate(updates);
    let (mut service, _) = scene.start()?;
    for names in ["cold", "warm"] {
        let calls = scene.calls();
        let started = Instant::now();
        if names == "warm" {
            scene.vk.generate(updates);
        }
        scene.settled().await?;
        let seconds = started.elapsed().as_secs_f64();
        let calls = scene.calls() - calls;
        table.add(&format!("backlog, {names}: updates/s"), number(updates) / seconds);
        table.add(
            &format!("backlog, {names}: API calls an update"),
            number(calls) / number(updates),
        );
    }
    table
        .add("backlog: most API calls in a second", number(scene.vk.stats().peak_calls_per_second));
    service.stop().await?;
    Ok(())
}

/// A backlog without limits: how fast, at what cost, with how much memory.
pub(crate) async fn unlimited(
    table: &mut Table,
    options: &Options,
    updates: usize,
) -> anyhow::Result<()> {
    let figures = flat_out(options, |vk| drop(vk.generate(updates))).await?;
    for (names, phase) in [("cold", &figures.cold), ("warm", &figures.warm)] {
        table.add(&format!("no limits, {names}: updates/s"), phase.rate);
        table.add(&format!("no limits, {names}: processor time, ms an update"), phase.service);
        table.add(&format!("no limits, {names}: Redis' processor time, ms"), phase.redis);
    }
    table.add("no limits: peak memory, MiB", figures.memory);
    Ok(())
}

/// The cost of two backlogs without limits.
pub(crate) struct Figures {
    /// From the start of the process, with an empty cache.
    pub(crate) cold: Phase,
    /// The backlog after it.
    pub(crate) warm: Phase,
    /// Peak memory in MiB.
    pub(crate) memory: f64,
}

/// The cost of a backlog.
pub(crate) struct Phase {
    /// Updates a second.
    pub(crate) rate: f64,
    /// Milliseconds of the service's processor time an update.
    pub(crate) service: f64,
    /// Milliseconds of Redis' processor time an update.
    pub(crate) redis: f64,
}

/// Commits a backlog that `fill` creates, and a second one.
pub(crate) async fn flat_out(
    options: &Options,
    mut fill: impl FnMut(&Simulator),
) -> anyhow::Result<Figures> {
    let scene = Scene::with(options.clone()).await?;
    scene.begin().await?;
    let redis = scene.redis.pid().context("Redis has ended")?;
    let empty = scene.vk.ts();
    fill(&scene.vk);
    let updates = scene.vk.ts() - empty;
    let (mut service, pid) = scene.start()?;
    let cold = phase(&scene, pid, redis, Duration::ZERO, updates).await?;
    // Paused, so that the whole backlog exists before the service fetches.
    service.signal("STOP").await?;
    fill(&scene.vk);
    let used = processor_time(pid)?;
    service.signal("CONT").await?;
    let warm = phase(&scene, pid, redis, used, updates).await?;
    let memory = peak_memory(pid)?;
    service.stop().await?;
    Ok(Figures { cold, warm, memory })
}

/// Waits until a backlog is committed; the service had `used` so much processor time before it.
async fn phase(
    scene: &Scene,
    service: u32,
    redis: u32,
    used: Duration,
    updates: u64,
) -> anyhow::Result<Phase> {
    let (started, redis_used) = (Instant::now(), processor_time(redis)?);
    scene.settled().await?;
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / number(updates);
    Ok(Phase {
        rate: number(updates) / started.elapsed().as_secs_f64(),
        service: each(processor_time(service)?.saturating_sub(used)),
        redis: each(processor_time(redis)?.saturating_sub(redis_used)),
    })
}

/// Numbers here are far from where a float would round them.
#[expect(clippy::cast_precision_loss, reason = "counts of this size are exact")]
pub(crate) fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or_default() as f64
}
