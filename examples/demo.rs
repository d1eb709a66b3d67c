//! A demonstration: a simulated VK sends updates for some seconds, the service commits their events to a
//! Redis, and the demo compares what VK sent with what is on the bus. Exits with 1 if an update was lost or
//! duplicated.
#![expect(clippy::print_stdout, reason = "the demo prints to a terminal")]

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::Context;
use harness::{Bus, RedisServer, STREAMS, Service};
use serde_json::Value;
use tokio::{process::Command, time::interval};
use vk_simulator::{Options, Simulator};

/// How long the simulated VK sends updates.
const SHOW: Duration = Duration::from_secs(8);
/// The pause between two groups of updates.
const TICK: Duration = Duration::from_millis(50);
const UPDATES_A_TICK: usize = 2;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::default();
    let (group_id, token) = (options.group_id, options.token.clone());
    let redis = RedisServer::start().await?;
    let vk = Simulator::start(options).await?;
    let binary = service_binary()?;
    let (group, api_url, bus_url) = (group_id.to_string(), vk.api_url(), redis.url());
    let variables = [
        ("TOKEN", token.as_str()),
        ("GROUPID", &group),
        ("FETCHER_VK__API_URL", &api_url),
        ("FETCHER_BUS__URL", &bus_url),
    ];
    println!(
        "The service fetches from a simulated VK at {api_url} and writes to Redis at {bus_url}.\n"
    );
    let mut service = Service::start(&binary, &["run"], &variables)?;
    let mut tail = Command::new(&binary)
        .arg("tail")
        .env("FETCHER_BUS__URL", &bus_url)
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    vk.until(|stats| stats.polls_held > 0).await;

    let mut ticks = interval(TICK);
    for _ in 0..SHOW.as_millis() / TICK.as_millis() {
        ticks.tick().await;
        vk.generate(UPDATES_A_TICK);
    }
    let bus = Bus::of(&redis, group_id).await?;
    bus.reaches(vk.ts()).await?;
    tail.kill().await?;
    let stopped = service.stop().await?;

    let summary = summary(&vk, &bus).await?;
    println!("\n{summary}");
    if summary.is_complete() && stopped.success() {
        println!("Nothing was lost and nothing was duplicated.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nThe output of the service:\n{}", service.output());
    println!("Failed: see the summary and the output of the service above.");
    Ok(ExitCode::FAILURE)
}

/// The service's binary, which cargo puts one folder above this example.
fn service_binary() -> anyhow::Result<PathBuf> {
    let example = std::env::current_exe()?;
    let folder =
        example.parent().and_then(|it| it.parent()).context("the example is in no folder")?;
    Ok(folder.join("event-fetcher"))
}

struct Summary {
    sent: usize,
    on_the_bus: usize,
    dead_letters: usize,
    not_routed: u64,
    lost: i128,
    duplicated: usize,
    calls: u64,
}

impl Summary {
    fn is_complete(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.on_the_bus > 0
    }
}

/// Compares what VK sent with what is on the bus.
async fn summary(vk: &Simulator, bus: &Bus) -> anyhow::Result<Summary> {
    let sent = vk.updates().len();
    let mut times: HashMap<Value, usize> = HashMap::new();
    let mut on_the_bus = 0;
    for stream in STREAMS {
        for event in bus.events(stream).await? {
            on_the_bus += 1;
            *times.entry(event["event_id"].clone()).or_default() += 1;
        }
    }
    let dead_letters = bus.dead_letters().await?.len();
    let not_routed = bus.skipped().await?.values().sum::<u64>();
    let arrived = on_the_bus as i128 + dead_letters as i128 + i128::from(not_routed);
    Ok(Summary {
        sent,
        on_the_bus,
        dead_letters,
        not_routed,
        lost: sent as i128 - arrived,
        duplicated: times.values().filter(|&&times| times > 1).count(),
        calls: vk.stats().calls.values().sum(),
    })
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "updates sent by VK            {:>6}", self.sent)?;
        writeln!(f, "events on the bus             {:>6}", self.on_the_bus)?;
        writeln!(f, "dead letters                  {:>6}", self.dead_letters)?;
        writeln!(f, "not routed, counted by type   {:>6}", self.not_routed)?;
        writeln!(f, "lost                          {:>6}", self.lost)?;
        writeln!(f, "duplicated                    {:>6}", self.duplicated)?;
        write!(f, "calls of VK's API             {:>6}", self.calls)
    }
}
