//! Answers that are made to use memory: the peak memory stays bounded.

use harness::{Bus, RedisServer, Service};
use serde_json::json;
use vk_simulator::{CHAT_BASE, Options, User};

use super::{
    flow::{Flow, has},
    front::Front,
};

/// The limit of the service's peak memory.
const MOST_MEMORY: u64 = 200 << 20;

/// Makes glibc return large blocks to the system when they are freed. By default it keeps up to 64 MiB of them
/// once such a block was freed.
const RETURN_FREED_MEMORY: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "131072"), ("MALLOC_TRIM_THRESHOLD_", "131072")];

/// The peak memory of the process in bytes.
fn most_memory(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid().unwrap()));
    let status = status.unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

async fn all_committed(redis: &RedisServer, flow: &Flow) {
    let bus = Bus::of(redis, Options::default().group_id).await.unwrap();
    bus.reaches(flow.vk().ts()).await.unwrap();
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
    all_committed(&redis, &flow).await;
    never_needed_much(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_text_and_a_backlog_behind_it_are_not_multiplied() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let service = flow.fetching(&redis.url(), &RETURN_FREED_MEMORY).await;
    let with_text = |number: usize, bytes: usize| {
        let mut update = message(number, 1);
        update["object"]["message"]["text"] = "x".repeat(bytes).into();
        update
    };
    let backlog: Vec<_> = (2..=501).map(|number| with_text(number, 60_000)).collect();
    flow.vk().push(&with_text(1, 20_000_000));
    flow.vk().until(|stats| stats.updates_served == 1).await;
    flow.vk().push_all(&backlog);
    all_committed(&redis, &flow).await;
    never_needed_much(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_api_answers_at_once_are_read_one_after_another() {
    const BODY: usize = (8 << 20) - 1024;
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let ones = |before: &str, after: &str| format!("{before}{}1{after}", "1,".repeat(BODY / 2));
    let results = ones(r#"{"response":["#, "]}");
    let messages = ones(r#"{"response":{"items":["#, "]}}");
    let front = Front::twisting(flow.vk(), move |request, mut body| {
        let is = |method: &str| request.contains(method);
        if is("/execute") {
            return results.clone().into_bytes();
        }
        if is("getByConversationMessageId") {
            return messages.clone().into_bytes();
        }
        if is("users.get") || is("groups.getById") || is("getConversationsById") {
            body.pop();
            let padding = "x".repeat(BODY - body.len());
            body.extend_from_slice(format!(r#","padding":"{padding}"}}"#).as_bytes());
        }
        body
    })
    .await;
    let settings = [("FETCHER_VK__API_URL", &*front.url("method/")), ("FETCHER_VK__TIMEOUT", "1m")];
    let service = flow.fetching(&redis.url(), &settings).await;
    let cropped = |number: usize, from: i64, peer: i64| {
        let mut update = message(number, from);
        update["object"]["message"]["peer_id"] = peer.into();
        update["object"]["message"]["is_cropped"] = true.into();
        update
    };
    let users = (1..=3000_i64).zip(1..).map(|(id, number)| message(number, id));
    let communities = (1..=1000_i64).zip(3001..).map(|(id, number)| message(number, -id));
    let chats = (1..=300_i64).zip(4001..).map(|(n, number)| cropped(number, n, CHAT_BASE + n));
    flow.vk().push_all(&users.chain(communities).chain(chats).collect::<Vec<_>>());
    all_committed(&redis, &flow).await;
    never_needed_much(service).await;
}
