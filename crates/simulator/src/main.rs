//! The program `vk-simulator`: a simulated VK for the development of fetchers of community events.

use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use serde_json::json;
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval},
};
use vk_simulator::{Options, Simulator};

/// How often updates are appended; above 100 a second they come in small groups.
const TICK: Duration = Duration::from_millis(10);

/// A simulated VK: API methods and a Bots Long Poll server.
///
/// Prints a JSON line with `api_url` and `group_id` once it serves, and a line with its statistics when
/// SIGINT or SIGTERM stops it. Scripts control it through the API's port:
///
///   POST /control/push                       append the body as one update
///   POST /control/generate?n=100             append generated updates
///   POST /control/fault?kind=http-502&times=3[&method=users.get|api]
///                                            inject faults into polls (or calls)
///   GET  /control/stats                      print the statistics
///
/// Faults: http-<status> empty html cut-text cut-connection trailing-comma content-type gzip
/// drip-<ms> stall[-<ms>] reset-before reset-after huge-<bytes> duplicate early-empty
/// failed-<code> error-<code> no-keys
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment)]
struct Arguments {
    /// The community whose events are served
    #[arg(long, default_value_t = Options::default().group_id)]
    group_id: i64,
    /// The access token that the API accepts
    #[arg(long, default_value_t = Options::default().token)]
    token: String,
    /// The address to listen on; clients must reach it, so not 0.0.0.0
    #[arg(long, default_value_t = Options::default().host)]
    host: IpAddr,
    /// Port of the API; 0 for any free port
    #[arg(long, default_value_t = 0)]
    api_port: u16,
    /// Port of the Long Poll server; 0 for any free port
    #[arg(long, default_value_t = 0)]
    poll_port: u16,
    /// Seed of everything random
    #[arg(long, default_value_t = Options::default().seed)]
    seed: u64,
    /// Updates generated per second; 0 for none but those of /control
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Generate at most this many updates
    #[arg(long)]
    total: Option<u64>,
    /// Share of generated updates that cannot become events, 0 to 1
    #[arg(long, default_value_t = Options::default().unconvertible)]
    unconvertible: f64,
    /// Share of generated authors and peers that VK does not know, 0 to 1
    #[arg(long, default_value_t = Options::default().unknown_users)]
    unknown_users: f64,
    /// Do not crop generated messages
    #[arg(long)]
    whole_messages: bool,
    /// Users in the world
    #[arg(long, default_value_t = Options::default().users)]
    users: u32,
    /// Communities in the world
    #[arg(long, default_value_t = Options::default().communities)]
    communities: u32,
    /// Chats in the world
    #[arg(long, default_value_t = Options::default().chats)]
    chats: u32,
    /// API calls accepted per second; further calls get error 6; 0 for no limit
    #[arg(long, default_value_t = Options::default().requests_per_second)]
    requests_per_second: u32,
    /// Latency of an API call, such as 60ms
    #[arg(long, default_value = "0ms", value_parser = humantime::parse_duration)]
    api_latency: Duration,
    /// Network latency of a poll: half for the request, half for the answer
    #[arg(long, default_value = "0ms", value_parser = humantime::parse_duration)]
    poll_latency: Duration,
    /// Lifetime of a Long Poll key
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    key_life: Duration,
    /// Maximum number of updates in one Long Poll reply
    #[arg(long, default_value_t = Options::default().max_updates_per_reply)]
    max_updates_per_reply: usize,
    /// Number of updates that the queue keeps
    #[arg(long, default_value_t = Options::default().retention)]
    retention: usize,
    /// The ts of the empty queue
    #[arg(long, default_value_t = Options::default().first_ts)]
    first_ts: u64,
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        Self {
            group_id: arguments.group_id,
            token: arguments.token,
            seed: arguments.seed,
            users: arguments.users,
            communities: arguments.communities,
            chats: arguments.chats,
            requests_per_second: arguments.requests_per_second,
            api_latency: arguments.api_latency,
            poll_latency: arguments.poll_latency,
            max_updates_per_reply: arguments.max_updates_per_reply,
            retention: arguments.retention,
            first_ts: arguments.first_ts,
            key_life: arguments.key_life,
            history: false,
            unconvertible: arguments.unconvertible,
            unknown_users: arguments.unknown_users,
            cropped: !arguments.whole_messages,
            host: arguments.host,
            api_port: arguments.api_port,
            poll_port: arguments.poll_port,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (rate, total, group_id) = (arguments.rate, arguments.total, arguments.group_id);
    let simulator =
        Simulator::start(arguments.into()).await.context("cannot listen on the requested ports")?;
    println!("{}", json!({"api_url": simulator.api_url(), "group_id": group_id}));
    select! {
        () = generate(&simulator, rate, total) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    println!("{}", serde_json::to_string(&simulator.stats())?);
    simulator.stop().await;
    Ok(())
}

/// Generates updates at the rate until the total is reached; never returns, so that clients can read them.
async fn generate(simulator: &Simulator, rate: u64, total: Option<u64>) {
    let start = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let total = total.unwrap_or(u64::MAX);
    let mut generated = 0;
    while rate > 0 && generated < total {
        let now = ticks.tick().await;
        let due = u128::from(rate) * now.duration_since(start).as_millis() / 1000;
        let due = u64::try_from(due).unwrap_or(u64::MAX).min(total);
        simulator.generate(usize::try_from(due - generated).unwrap_or(usize::MAX));
        generated = due;
    }
    std::future::pending::<()>().await;
}
