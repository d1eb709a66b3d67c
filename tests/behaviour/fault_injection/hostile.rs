//! A hostile server in VK's place: its answers cost little memory, redirects are not followed, and nothing
//! is lost once VK answers again.

use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use harness::{Bus, RedisServer, Service};
use serde_json::json;
use tokio::net::TcpListener;
use vk_simulator::{Fault, Options};

use super::{
    flow::{DEADLINE, Flow, has},
    front::Front,
};

/// The limit of the service's peak memory.
const MOST_MEMORY: u64 = 120 << 20;

/// The peak memory of the process.
fn most_memory(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid().unwrap()));
    let status = status.unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// All messages from now on arrive, and the peak memory is below the limit.
async fn goes_on(flow: &mut Flow, redis: &RedisServer, mut service: Service) {
    flow.push(20);
    flow.arrives(redis).await;
    let used = most_memory(&service);
    assert!(used < MOST_MEMORY, "{} MiB", used >> 20);
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    flow.vk().inject("groups.getLongPollServer", Fault::Huge(u64::MAX), 1);
    let service = flow.fetching(&redis.url(), &[]).await;
    flow.vk().inject("poll", Fault::Huge(u64::MAX), 2);
    flow.vk().inject("users.get", Fault::Huge(u64::MAX), 1);
    flow.push(20);
    service.says("larger than 32 MiB").await.unwrap();
    goes_on(&mut flow, &redis, service).await;
}

#[tokio::test]
async fn a_small_answer_that_unfolds_to_a_huge_one_is_cut_off() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    let bomb = bomb();
    assert!(bomb.len() < 2 << 20, "{} bytes", bomb.len());
    front.answer_server(&front.url("whp/1"), "key");
    for _ in 0..2 {
        front.answer("/whp/1", "200 OK\r\ncontent-encoding: gzip", &bomb);
    }
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    front.answer("users.get", "200 OK\r\ncontent-encoding: gzip", &bomb);
    let service = flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &front.url("method/"))]);
    service.says("larger than 32 MiB").await.unwrap();
    flow.is_read().await;
    goes_on(&mut flow, &redis, service).await;
    front.is_used_up().await;
}

/// A gigabyte of spaces, compressed.
fn bomb() -> Vec<u8> {
    let mut mebibyte = Vec::with_capacity(4096);
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![b' '; 1 << 20], &mut mebibyte, FlushCompress::Full)
        .unwrap();
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [&gzip[..], &mebibyte.repeat(1024)].concat()
}

#[tokio::test]
async fn an_answer_that_drips_is_given_up_at_the_deadline() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let quick = [("FETCHER_VK__TIMEOUT", "1s"), ("FETCHER_VK__WAIT", "1s")];
    let service = flow.fetching(&redis.url(), &quick).await;
    flow.vk().inject("users.get", Fault::Drip(DEADLINE * 10), 1);
    flow.vk().inject("poll", Fault::Drip(DEADLINE * 10), 1);
    flow.push(20);
    service.says("no usable answer to users.get").await.unwrap();
    service.says("poll failed").await.unwrap();
    goes_on(&mut flow, &redis, service).await;
}

#[tokio::test]
async fn nesting_without_end_fails_only_the_update_that_needs_to_be_read() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    let deep = |bracket: &str, end: &str| [bracket.repeat(100_000), end.repeat(100_000)].concat();
    front.answer_server(&front.url("whp/1"), "key");
    front.answer("/whp/1", "200 OK", deep("[", "]").as_bytes());
    front.answer_server(&front.url("whp/1"), "key");
    front.answer("/whp/1", "200 OK", deep(r#"{"updates":"#, "}").as_bytes());
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    front.answer("users.get", "200 OK", deep(r#"{"response":"#, "}").as_bytes());
    let service = flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &front.url("method/"))]);
    flow.is_read().await;
    let update = json!({"type": "message_event", "object": {"user_id": 1, "peer_id": 1,
        "event_id": "a", "payload": "HERE"}});
    flow.vk().push_raw(update.to_string().replace(r#""HERE""#, &deep("[", "]")));
    let update = json!({"type": "message_event", "deep": "HERE", "object": {"user_id": 1,
        "peer_id": 1, "event_id": "b"}});
    flow.vk().push_raw(update.to_string().replace(r#""HERE""#, &deep("[", "]")));
    goes_on(&mut flow, &redis, service).await;
    front.is_used_up().await;
    let bus = Bus::of(&redis, Options::default().group_id).await.unwrap();
    let letters = bus.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0]["reason"].contains("payload"), "{}", letters[0]["reason"]);
    assert_eq!(bus.events("{toaster}:button").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_of_millions_of_updates_is_not_taken_whole() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    let body = format!(r#"{{"ts":"9","updates":[{}1]}}"#, "1,".repeat(15 << 20));
    front.answer_server(&front.url("whp/1"), "key");
    for _ in 0..3 {
        front.answer("/whp/1", "200 OK", body.as_bytes());
    }
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    let service = flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &front.url("method/"))]);
    // VK does not know the position to which these lead.
    service.says("VK lost updates").await.unwrap();
    flow.push(20);
    has(&redis, 20).await;
    goes_on(&mut flow, &redis, service).await;
}

/// A port to which nobody may connect.
struct Elsewhere(TcpListener);

impl Elsewhere {
    async fn new() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.0.local_addr().unwrap().port())
    }

    async fn was_left_alone(self) {
        let visit = tokio::time::timeout(Duration::ZERO, self.0.accept()).await;
        assert!(visit.is_err(), "somebody came");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    let elsewhere = Elsewhere::new().await;
    let away = format!("307 Temporary Redirect\r\nlocation: {}", elsewhere.url("127.0.0.1"));
    front.answer("getLongPollServer", &away, b"");
    front.answer_server(&elsewhere.url("localhost"), "key");
    front.answer_server(&front.url("whp/1"), "key");
    front.answer("/whp/1", &away, b"");
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    front.answer("users.get", &away, b"");
    let service = flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &front.url("method/"))]);
    service.says("host localhost is not under vk.ru").await.unwrap();
    service.says("307").await.unwrap();
    flow.is_read().await;
    goes_on(&mut flow, &redis, service).await;
    front.is_used_up().await;
    elsewhere.was_left_alone().await;
}
