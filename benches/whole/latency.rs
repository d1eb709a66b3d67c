//! The latency from an update to the reading of its event, at VK's pace and steady rates, beside that of a
//! pass-through.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use harness::{RedisServer, STREAMS};
use redis::{
    AsyncCommands,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadOptions, StreamReadReply},
};
use tokio::time::{Instant, interval, sleep};
use tokio_util::task::AbortOnDropHandle;
use vk_simulator::{Options, Simulator};

use crate::{
    at_vks_pace,
    bounds::{self, Session, UPDATES},
    process::processor_time,
    scene::Scene,
    service::number,
    table::Table,
};

/// Updates at a steady rate in a world of some size.
struct Load {
    updates_per_second: u64,
    users: u32,
    chats: u32,
}

impl Load {
    /// No message is cropped and VK knows every user: each cropped message, and each unknown id at first, would cost
    /// a call, whatever names are known.
    fn options(&self) -> Options {
        Options {
            users: self.users,
            chats: self.chats,
            history: true,
            unconvertible: 0.0,
            cropped: false,
            unknown_users: 0.0,
            ..at_vks_pace()
        }
    }

    fn name(&self) -> String {
        let Self { updates_per_second, users, chats } = self;
        format!("{updates_per_second}/s, {users} users in {chats} chats")
    }
}

const BUSY: Load = Load { updates_per_second: 50, users: 5000, chats: 200 };
const SMALL: Load = Load { updates_per_second: 50, users: 300, chats: 20 };
const SLOW: Load = Load { updates_per_second: 5, users: 5000, chats: 200 };
const FAST: Load = Load { updates_per_second: 200, users: 5000, chats: 200 };

/// Measures all loads, each from a cold start, and the first also after a restart.
pub(crate) async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let scene = Scene::with(BUSY.options()).await?;
    through_service(table, &scene, &BUSY, &[("cold", 0..30), ("cold, after 60 s", 60..90)]).await?;
    through_service(table, &scene, &BUSY, &[("after a restart", 0..30)]).await?;
    pass_through(table, &BUSY).await?;
    for (load, windows) in [
        (SMALL, &[("cold", 0..40)][..]),
        (SLOW, &[("cold", 0..30), ("cold, after 30 s", 30..60)]),
        (FAST, &[("cold", 0..30)]),
    ] {
        let scene = Scene::with(load.options()).await?;
        through_service(table, &scene, &load, windows).await?;
    }
    pass_through(table, &SLOW).await?;
    pass_through(table, &FAST).await
}

/// Starts the service and measures it within some periods, in seconds since the first update.
async fn through_service(
    table: &mut Table,
    scene: &Scene,
    load: &Load,
    windows: &[(&str, Range<u64>)],
) -> anyhow::Result<()> {
    let (mut service, pid) = scene.start()?;
    scene.bus.has_a_position().await?;
    scene.vk.until(|stats| stats.polls_held > 0).await;
    let reader = Reader::start(scene.redis.connect().await?, &STREAMS);
    scene.settled().await?;
    let driver = Driver { vk: &scene.vk, load, pid: Some(pid), calls: || scene.calls() };
    let end = windows.last().map_or(0, |(_, window)| window.end);
    let run = driver.run(end).await?;
    scene.settled().await?;
    let read = reader.finish().await;
    for (name, window) in windows {
        let mut latencies = run.latencies(&scene.vk, &read, window)?;
        let events = number(latencies.len());
        let name = format!("{}, {name}", load.name());
        add_latencies(table, &name, &mut latencies);
        let [start, end] = [window.start, window.end].map(|second| &run.samples[&second]);
        let calls = number(end.calls - start.calls);
        table.add(&format!("{name}: API calls an event"), calls / events);
        let spent = end.processor.saturating_sub(start.processor).as_secs_f64() * 1000.0;
        table.add(&format!("{name}: processor time, ms an event"), spent / events);
    }
    let errors = scene.vk.stats().api_errors;
    ensure!(!errors.contains_key(&6), "more calls than VK allows: {errors:?}");
    service.stop().await?;
    Ok(())
}

async fn pass_through(table: &mut Table, load: &Load) -> anyhow::Result<()> {
    let redis = RedisServer::start().await?;
    let options = load.options();
    let access = (options.group_id, options.token.clone());
    let vk = Simulator::start(options).await?;
    let session = Session::open(&vk, access).await?;
    let forward = bounds::forward(session, redis.connect().await?, None);
    let _forwarding = AbortOnDropHandle::new(tokio::spawn(forward));
    let reader = Reader::start(redis.connect().await?, &[UPDATES]);
    let run = Driver { vk: &vk, load, pid: None, calls: || 0 }.run(20).await?;
    let read = reader.finish().await;
    let mut latencies = run.latencies(&vk, &read, &(0..20))?;
    let name = format!("pass-through, {}/s", load.updates_per_second);
    add_latencies(table, &name, &mut latencies);
    Ok(())
}

fn add_latencies(table: &mut Table, name: &str, latencies: &mut [f64]) {
    latencies.sort_by(f64::total_cmp);
    for share in [50, 99] {
        let quantile = latencies[(latencies.len() - 1) * share / 100];
        table.add(&format!("{name}: p{share}, ms"), quantile);
    }
}

/// Makes updates at a steady rate.
struct Driver<'a, C> {
    vk: &'a Simulator,
    load: &'a Load,
    /// The service's process.
    pid: Option<u32>,
    /// The API calls so far.
    calls: C,
}

/// What was made, and the counters at each whole second.
struct Run {
    started: Instant,
    born: HashMap<u64, Instant>,
    samples: HashMap<u64, Sample>,
}

struct Sample {
    calls: u64,
    processor: Duration,
}

impl<C: Fn() -> u64> Driver<'_, C> {
    async fn run(&self, seconds: u64) -> anyhow::Result<Run> {
        let rate = self.load.updates_per_second;
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate)?);
        ticks.tick().await;
        let mut run =
            Run { started: Instant::now(), born: HashMap::new(), samples: HashMap::new() };
        for second in 0..=seconds {
            let processor = self.pid.map_or(Ok(Duration::ZERO), processor_time)?;
            run.samples.insert(second, Sample { calls: (self.calls)(), processor });
            for _ in 0..rate * u64::from(second < seconds) {
                ticks.tick().await;
                let now = Instant::now();
                run.born.extend(self.vk.generate(1).into_iter().map(|ts| (ts, now)));
            }
        }
        Ok(run)
    }
}

impl Run {
    /// The milliseconds until each event was read whose update came within `window`.
    fn latencies(
        &self,
        vk: &Simulator,
        read: &HashMap<String, Instant>,
        window: &Range<u64>,
    ) -> anyhow::Result<Vec<f64>> {
        let mut latencies = Vec::new();
        for (ts, update) in vk.updates() {
            let Some(born) = self.born.get(&ts) else { continue };
            let second = born.duration_since(self.started).as_secs();
            let Some(read) = window.contains(&second).then(|| read.get(&id(&update)?)).flatten()
            else {
                continue;
            };
            latencies.push(read.duration_since(*born).as_secs_f64() * 1000.0);
        }
        (!latencies.is_empty()).then_some(latencies).context("no event was read")
    }
}

/// The id of an update; some have none.
fn id(update: &str) -> Option<String> {
    let update: serde_json::Value = serde_json::from_str(update).ok()?;
    update["event_id"].as_str().map(str::to_owned)
}

/// Records when each event arrives in some streams, by its id.
struct Reader {
    read: Arc<Mutex<HashMap<String, Instant>>>,
    task: AbortOnDropHandle<anyhow::Result<()>>,
}

impl Reader {
    fn start(redis: MultiplexedConnection, streams: &'static [&'static str]) -> Self {
        let read = Arc::default();
        let task = AbortOnDropHandle::new(tokio::spawn(follow(redis, streams, Arc::clone(&read))));
        Self { read, task }
    }

    /// What has been read, a moment after the last commit.
    async fn finish(self) -> HashMap<String, Instant> {
        sleep(Duration::from_millis(500)).await;
        drop(self.task);
        std::mem::take(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn follow(
    mut redis: MultiplexedConnection,
    streams: &'static [&'static str],
    read: Arc<Mutex<HashMap<String, Instant>>>,
) -> anyhow::Result<()> {
    let mut from = vec!["0".to_owned(); streams.len()];
    let options = StreamReadOptions::default().block(100).count(1000);
    loop {
        let reply: Option<StreamReadReply> = redis.xread_options(streams, &from, &options).await?;
        let now = Instant::now();
        for key in reply.into_iter().flat_map(|reply| reply.keys) {
            for entry in key.ids {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                read.extend(event_id(&entry).map(|id| (id, now)));
                if let Some(place) = streams.iter().position(|stream| *stream == key.key) {
                    from[place] = entry.id;
                }
            }
        }
    }
}

/// The id of an entry's event, or of its raw update.
fn event_id(entry: &StreamId) -> Option<String> {
    entry.get("event_id").or_else(|| id(&entry.get::<String>("data")?))
}
