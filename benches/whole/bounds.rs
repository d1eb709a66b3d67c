//! Bounds of the service on this machine: a program that only polls and publishes, and Redis alone.

use anyhow::Context;
use harness::RedisServer;
use redis::aio::MultiplexedConnection;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{process::Command, sync::mpsc, time::Instant};
use tokio_util::task::AbortOnDropHandle;
use vk_simulator::{Options, Simulator};

use crate::{service::number, table::Table};

#[derive(Deserialize)]
struct Position {
    ts: String,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    updates: Vec<&'a RawValue>,
}

/// The stream and the channel of a pass-through.
pub(crate) const UPDATES: &str = "updates";

/// A pass-through without limits of its own: how fast it forwards a backlog.
pub(crate) async fn pass_through(
    table: &mut Table,
    name: &str,
    options: Options,
    updates: usize,
) -> anyhow::Result<()> {
    let redis = RedisServer::start().await?;
    let access = (options.group_id, options.token.clone());
    let vk = Simulator::start(options).await?;
    let session = Session::open(&vk, access).await?;
    vk.generate(updates);
    let started = Instant::now();
    forward(session, redis.connect().await?, Some(vk.ts())).await?;
    let seconds = started.elapsed().as_secs_f64();
    table.add(&format!("pass-through, {name}: updates/s"), number(updates) / seconds);
    Ok(())
}

/// A Long Poll session.
pub(crate) struct Session {
    http: reqwest::Client,
    server: String,
    key: String,
    ts: String,
}

impl Session {
    pub(crate) async fn open(
        vk: &Simulator,
        (group_id, token): (i64, String),
    ) -> anyhow::Result<Self> {
        event_fetcher::ops::process::install_tls_provider();
        let http = reqwest::Client::builder().no_proxy().build()?;
        let granted = http
            .get(format!("{}groups.getLongPollServer?v=5.199&group_id={group_id}", vk.api_url()))
            .bearer_auth(token)
            .send()
            .await?
            .bytes()
            .await?;
        let granted: serde_json::Value = serde_json::from_slice(&granted)?;
        let text =
            |name: &str| granted["response"][name].as_str().map(str::to_owned).context("no field");
        Ok(Self { http, server: text("server")?, key: text("key")?, ts: text("ts")? })
    }
}

/// Adds each raw update to a stream and a channel, without names, events or guarantees, up to position `end` if
/// there is one. Polls while it writes, and writes all updates that have gathered in one pipeline.
pub(crate) async fn forward(
    session: Session,
    mut redis: MultiplexedConnection,
    end: Option<u64>,
) -> anyhow::Result<()> {
    let (bodies_in, mut bodies) = mpsc::channel(16);
    let end = end.map(|ts| ts.to_string());
    let polling = async move {
        let Session { http, server, key, mut ts } = session;
        while end.as_ref() != Some(&ts) {
            let parameters = [("act", "a_check"), ("key", &key), ("ts", &ts), ("wait", "25")];
            let body = http.get(&server).query(&parameters).send().await?.bytes().await?;
            ts = serde_json::from_slice::<Position>(&body)?.ts;
            bodies_in.send(body).await?;
        }
        anyhow::Ok(())
    };
    let polling = AbortOnDropHandle::new(tokio::spawn(polling));
    let mut gathered = Vec::new();
    while bodies.recv_many(&mut gathered, 10).await > 0 {
        let mut pipeline = redis::pipe();
        for body in gathered.drain(..) {
            let Answer { updates } = serde_json::from_slice(&body)?;
            for update in updates {
                pipeline.xadd(UPDATES, "*", &[("data", update.get())]).ignore();
                pipeline.publish(UPDATES, update.get()).ignore();
            }
        }
        let () = pipeline.query_async(&mut redis).await?;
    }
    polling.await?
}

/// `redis-benchmark` with entries of 600 bytes.
pub(crate) async fn redis_benchmark(table: &mut Table) -> anyhow::Result<()> {
    let redis = RedisServer::start().await?;
    for depth in ["16", "100"] {
        let data = "x".repeat(600);
        let output = Command::new("redis-benchmark")
            .args(["-p", &redis.port().to_string(), "-c", "1", "-n", "300000", "-P", depth, "-q"])
            .args(["XADD", "stream", "MAXLEN", "~", "10000", "*", "data", &data])
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let reported =
            text.rsplit('\r').find_map(|line| line.split(": ").nth(1)?.split(' ').next());
        let rate: f64 = reported.context("no result of redis-benchmark")?.parse()?;
        table.add(&format!("redis-benchmark XADD -P {depth}: entries/s"), rate);
    }
    Ok(())
}
