//! Checks that the service's memory stays flat over a long run without faults.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use harness::{Bus, RedisServer, Service};
use tokio::time::{Instant, sleep};
use vk_simulator::{Options, Simulator};

/// The most updates queued ahead of the service.
const AHEAD: u64 = 50_000;
/// How many times memory is measured.
const MEASUREMENTS: u64 = 10;
/// How much memory may grow in the last half: the larger of these, the first as a share.
const GROWTH: f64 = 0.2;
const GROWTH_KIB: u64 = 4096;
/// How long the service may go without progress.
const PATIENCE: Duration = Duration::from_secs(60);
/// The length of the bar for the peak memory.
const BAR: u64 = 40;

/// The service's memory in KiB.
#[derive(Debug, Clone, Copy)]
struct Memory {
    now: u64,
    peak: u64,
}

/// Runs one instance until it has fetched `updates`, and prints its memory meanwhile. Returns whether memory
/// stayed flat and everything arrived.
pub(crate) async fn soak(binary: PathBuf, updates: u64) -> anyhow::Result<bool> {
    let options = Options {
        users: 1000,
        communities: 20,
        chats: 2,
        max_updates_per_reply: 10_000,
        history: false,
        ..Options::default()
    };
    let (group_id, token, first) = (options.group_id, options.token.clone(), options.first_ts);
    let redis = RedisServer::start().await?;
    let vk = Simulator::start(options).await?;
    let (group, api_url, bus_url) = (group_id.to_string(), vk.api_url(), redis.url());
    let variables = [
        ("TOKEN", token.as_str()),
        ("GROUPID", &group),
        ("FETCHER_VK__API_URL", &api_url),
        ("FETCHER_BUS__URL", &bus_url),
        ("FETCHER_BUS__STREAM_LENGTH", "100000"),
    ];
    let mut service = Service::start(&binary, &["run"], &variables)?;
    let pid = service.pid().context("the service has ended")?;
    let bus = Bus::of(&redis, group_id).await?;
    vk.until(|stats| stats.polls_held > 0).await;

    println!("{:>10} {:>8} {:>10} {:>10}", "updates", "seconds", "RSS, KiB", "peak, KiB");
    let begin = Instant::now();
    let mut curve = Vec::new();
    for mark in 1..=MEASUREMENTS {
        let goal = updates * mark / MEASUREMENTS;
        fetched(&vk, &bus, first, updates, goal).await?;
        let memory = memory_of(pid)?;
        curve.push(memory);
        let bar = "#".repeat(usize::try_from(memory.now * BAR / memory.peak)?);
        let seconds = begin.elapsed().as_secs();
        println!("{goal:>10} {seconds:>8} {:>10} {:>10}  {bar}", memory.now, memory.peak);
    }
    let stopped = service.stop().await?;
    let arrived = arrived(&bus).await?;
    println!("\n{arrived} of {updates} updates arrived.");
    let flat = is_flat(&curve);
    if !flat {
        println!("Memory still grows in the last half.");
    }
    Ok(flat && arrived == updates && stopped.success())
}

/// Queues updates, up to `all`, until `goal` of them are committed.
async fn fetched(vk: &Simulator, bus: &Bus, first: u64, all: u64, goal: u64) -> anyhow::Result<()> {
    let (mut best, mut end) = (0, Instant::now() + PATIENCE);
    loop {
        let committed = bus.position("ts").await?.unwrap_or(first) - first;
        if committed >= goal {
            return Ok(());
        }
        let queued = vk.ts() - first;
        let count = (committed + AHEAD).min(all).saturating_sub(queued);
        vk.generate(usize::try_from(count)?);
        if committed > best {
            (best, end) = (committed, Instant::now() + PATIENCE);
        }
        if Instant::now() > end {
            bail!("the service stays at {committed} updates");
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The number of updates ever committed, including those trimmed from streams.
async fn arrived(bus: &Bus) -> anyhow::Result<u64> {
    let events: u64 = bus.added().await?.values().sum();
    let skipped: u64 = bus.skipped().await?.values().sum();
    Ok(events + skipped + bus.dead_letters().await?.len() as u64)
}

/// Whether memory grew little in the second half of the run.
fn is_flat(curve: &[Memory]) -> bool {
    let half = &curve[curve.len() / 2..];
    let (Some(middle), Some(end)) = (half.first(), half.last()) else { return true };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a KiB more or less does not matter"
    )]
    let share = (middle.now as f64 * GROWTH) as u64;
    end.now <= middle.now + share.max(GROWTH_KIB)
}

fn memory_of(pid: u32) -> anyhow::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |name: &str| -> anyhow::Result<u64> {
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        Ok(line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse()?)
    };
    Ok(Memory { now: number("VmRSS")?, peak: number("VmHWM")? })
}
