//! Answers that are made to use memory: the peak memory stays bounded.

use harness::{Bus, RedisServer, Service};
use serde_json::json;
use vk_simulator::{Options, User};

use super::{
    flow::{Flow, has},
    front::Front,
};

/// The limit of the service's peak memory.
const MOST_MEMORY: u64 = 200 << 20;

/// The peak memory of the process in bytes.
fn most_memory(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid().unwrap()));
    let status = status.unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

async fn never_needed_much(mut service: Service) {
    let used = most_memory(&service);
    println!("{} MiB", used >> 20);
    assert!(used < MOST_MEMORY, "{} MiB", used >> 20);
    assert!(service.stop().await.unwrap().success());
}

fn named(flow: &Flow, id: i64, name: String) {
    let (first_name, last_name) = (name.clone(), name);
    flow.vk().set_user(User { id, first_name, last_name, domain: None, deactivated: None });
}

fn message(number: usize, from: i64) -> serde_json::Value {
    json!({"type": "message_new", "event_id": format!("{number}"), "object": {"message": {
        "from_id": from, "peer_id": from, "conversation_message_id": number}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_a_megabyte_are_cut() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    // One user who writes often, and many who write once.
    for id in 5_000_000..5_000_012 {
        named(&flow, id, "я".repeat(1 << 19));
    }
    let service = flow.fetching(&redis.url(), &[]).await;
    let often = (1..=300).map(|number| message(number, 5_000_000));
    let once = (5_000_000..5_000_012).zip(301..).map(|(id, number)| message(number, id));
    flow.vk().push_all(&often.chain(once).collect::<Vec<_>>());
    has(&redis, 312).await;
    service.says("a name is longer than VK allows").await.unwrap();
    let bus = Bus::of(&redis, Options::default().group_id).await.unwrap();
    let event = bus.events("{toaster}:message").await.unwrap().pop().unwrap();
    assert_eq!(event["user"]["firstname"].as_str().unwrap(), "я".repeat(1024));
    never_needed_much(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_attachments_and_forwards_are_cut() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let service = flow.fetching(&redis.url(), &[]).await;
    let update = |number: usize, field: &str, item: &str| {
        let list =
            format!("[{}{item}]", format!("{item},").repeat((31 << 20) / (item.len() + 1) - 1));
        message(number, 1)
            .to_string()
            .replace(r#""from_id""#, &format!(r#""{field}":{list},"from_id""#))
    };
    flow.vk().push_raw(update(1, "attachments", r#"{"type":"photo","photo":{}}"#));
    has(&redis, 1).await;
    flow.vk().push_raw(update(2, "fwd_messages", r#"{"text":"Hi!"}"#));
    has(&redis, 2).await;
    flow.vk().push_raw(update(3, "attachments", "{}"));
    has(&redis, 3).await;
    let bus = Bus::of(&redis, Options::default().group_id).await.unwrap();
    let events = bus.events("{toaster}:message").await.unwrap();
    assert_eq!(events[0]["message"]["attachments"].as_array().unwrap().len(), 100);
    assert_eq!(events[1]["message"]["forward"].as_array().unwrap().len(), 1000);
    service.says("was left out").await.unwrap();
    never_needed_much(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_31_megabytes_is_passed_on_whole() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let service = flow.fetching(&redis.url(), &[]).await;
    let text = "x".repeat(31 << 20);
    let update =
        message(1, 1).to_string().replace(r#""from_id""#, &format!(r#""text":"{text}","from_id""#));
    flow.vk().push_raw(update);
    has(&redis, 1).await;
    never_needed_much(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_elements_in_an_answer_are_not_kept() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    let elements = |element: &str| {
        format!(r#"{{"response":[{}{element}]}}"#, format!("{element},").repeat(1_000_000))
    };
    for element in ["1", "{}"] {
        front.answer("users.get", "200 OK", elements(element).as_bytes());
    }
    let service = flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &front.url("method/"))]);
    flow.is_read().await;
    flow.vk().push_all(&[message(1, 1), message(2, 2)]);
    has(&redis, 2).await;
    front.is_used_up().await;
    never_needed_much(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_tiny_updates_with_long_names_stay_small() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    for id in 1..=20 {
        named(&flow, id, "я".repeat(2000));
    }
    let service = flow.fetching(&redis.url(), &[]).await;
    let updates: Vec<_> =
        (0..100_000_i64).zip(1..).map(|(n, number)| message(number, 1 + n % 20)).collect();
    flow.vk().push_all(&updates);
    Bus::of(&redis, Options::default().group_id)
        .await
        .unwrap()
        .reaches(flow.vk().ts())
        .await
        .unwrap();
    never_needed_much(service).await;
}
