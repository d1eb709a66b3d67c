//! Answers whose position is none, does not move, or goes back, and updates that are damaged.

use std::time::Duration;

use harness::{Bus, RedisServer, Service};
use vk_simulator::Options;

use super::{
    flow::{DEADLINE, Flow, command, has, ids},
    front::Front,
};

/// Where the simulated queue begins.
const FIRST: u64 = 1000;

const LARGEST: &str = "9223372036854775807";

/// A Redis, a VK with a front, and the variables of a service between them.
async fn scene() -> (RedisServer, Flow, Front) {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    assert_eq!(flow.vk().ts(), FIRST);
    let front = Front::of(flow.vk()).await;
    (redis, flow, front)
}

fn start(redis: &RedisServer, flow: &Flow, front: &Front) -> Service {
    flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &front.url("method/"))])
}

/// Names the front as the Long Poll server, at the queue's first position.
fn lead_here(front: &Front) {
    front.answer_server_at(&front.url("whp/1"), "key", &FIRST.to_string());
}

fn update(id: &str) -> String {
    let group_id = Options::default().group_id;
    format!(
        r#"{{"group_id":{group_id},"type":"message_new","event_id":"{id}","object":{{"message":{{"date":1,"from_id":1,"conversation_message_id":7,"peer_id":1,"text":"Hi!"}}}}}}"#
    )
}

async fn bus(redis: &RedisServer) -> Bus {
    Bus::of(redis, Options::default().group_id).await.unwrap()
}

async fn ends_well(mut service: Service) {
    let status = service.stop().await.unwrap();
    assert!(status.success(), "{status}, after:\n{}", service.output());
}

#[tokio::test]
async fn an_answer_whose_ts_is_no_position_moves_nothing() {
    let (redis, mut flow, front) = scene().await;
    front.answer_server_at(&front.url("whp/1"), "key", "18446744073709551615");
    for bad in [
        r#"{"failed":1,"ts":18446744073709551615}"#.to_owned(),
        format!(r#"{{"ts":"9007199254740992","updates":[{}]}}"#, update("x")),
        r#"{"ts":[],"updates":[]}"#.to_owned(),
    ] {
        lead_here(&front);
        front.answer("/whp/1", "200 OK", bad.as_bytes());
    }
    let service = start(&redis, &flow, &front);
    service.says_times("its ts is not a position", 2).await.unwrap();
    flow.push(20);
    flow.arrives(&redis).await;
    front.is_used_up().await;
    assert_eq!(bus(&redis).await.position("gaps").await.unwrap(), None);
    ends_well(service).await;
}

#[tokio::test]
async fn updates_do_not_move_the_position_back() {
    let (redis, mut flow, front) = scene().await;
    lead_here(&front);
    front.answer("/whp/1", "200 OK", br#"{"ts":"3","updates":[]}"#);
    let service = start(&redis, &flow, &front);
    service.says("lies before the position 1000").await.unwrap();
    flow.push(20);
    flow.arrives(&redis).await;
    front.is_used_up().await;
    assert_eq!(bus(&redis).await.position("gaps").await.unwrap(), None);
    ends_well(service).await;
}

#[tokio::test]
async fn failed_1_may_take_the_position_back() {
    let (redis, mut flow, front) = scene().await;
    front.answer_server_at(&front.url("whp/1"), "key", "5000");
    front.answer("/whp/1", "200 OK", br#"{"failed":1,"ts":1000}"#);
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    let service = start(&redis, &flow, &front);
    service.says("VK lost updates").await.unwrap();
    flow.push(20);
    flow.arrives(&redis).await;
    let bus = bus(&redis).await;
    let counted =
        (bus.position("gaps").await.unwrap(), bus.position("updates_lost").await.unwrap());
    assert_eq!(counted, (Some(1), Some(0)));
    ends_well(service).await;
}

#[tokio::test]
async fn counters_at_their_largest_value_do_not_keep_a_commit_from_being_whole() {
    let (redis, mut flow, front) = scene().await;
    let group_id = Options::default().group_id;
    let position = bus(&redis).await.key(&format!("position:{group_id}"));
    let skipped = bus(&redis).await.key(&format!("skipped:{group_id}"));
    let preset =
        format!("HSET {position} gaps {LARGEST} updates_lost {LARGEST} duplicates {LARGEST}");
    command(&redis, &preset).await;
    command(&redis, &format!("HSET {skipped} group_join {LARGEST} group_leave many")).await;
    lead_here(&front);
    front.answer("/whp/1", "200 OK", br#"{"failed":1,"ts":1000}"#);
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    let service = start(&redis, &flow, &front);
    flow.is_read().await;
    flow.push(5);
    flow.vk().push_raw(r#"{"type":"group_join","event_id":"j","object":{}}"#.to_owned());
    flow.vk().push_raw(r#"{"type":"group_leave","event_id":"l","object":{}}"#.to_owned());
    flow.arrives(&redis).await;
    let bus = bus(&redis).await;
    for field in ["gaps", "updates_lost", "duplicates"] {
        assert_eq!(bus.whole_position().await.unwrap()[field], LARGEST, "{field}");
    }
    let skipped = bus.skipped().await.unwrap();
    assert_eq!((skipped["group_join"], skipped["group_leave"]), (LARGEST.parse().unwrap(), 1));
    ends_well(service).await;
}

/// The first update is damaged, and the body grows with each poll.
#[tokio::test]
async fn a_damaged_front_of_a_growing_body_costs_only_the_damaged_update() {
    let (redis, mut flow, front) = scene().await;
    lead_here(&front);
    let damaged = r#"{"type":"message_new","event_id":"damaged","object":{"text":"no end of it}}"#;
    let mut behind = String::new();
    for number in 1..=3 {
        let body = format!(r#"{{"ts":"{}","updates":[{damaged}{behind}]}}"#, FIRST + number);
        front.answer("/whp/1", "200 OK", body.as_bytes());
        behind = format!("{behind},{}", update(&format!("event-{}", number + 1)));
    }
    front.answer("/whp/1", "200 OK", br#"{"failed":2}"#);
    // The simulator has the damaged update too, whole; nobody asks for it again.
    flow.push(20);
    let service = start(&redis, &flow, &front);
    has(&redis, 19).await;
    front.is_used_up().await;
    let expected: Vec<_> = (2..=20).map(|number| format!("event-{number}")).collect();
    assert_eq!(ids(&redis).await, expected);
    let bus = bus(&redis).await;
    assert_eq!(bus.dead_letters().await.unwrap().len(), 1);
    assert_eq!(bus.position("gaps").await.unwrap(), None);
    ends_well(service).await;
}

/// The same event with other bytes each time: it is new to the session, and a duplicate to the commit.
#[tokio::test]
async fn updates_that_change_without_moving_the_position_are_reported_and_delivered_once() {
    const ANSWERS: usize = 2000;
    let (redis, flow, front) = scene().await;
    lead_here(&front);
    for number in 0..ANSWERS {
        let update = update("a").replacen('{', &format!(r#"{{"number":{number},"#), 1);
        let body = format!(r#"{{"ts":"1000","updates":[{update}]}}"#);
        front.answer("/whp/1", "200 OK", body.as_bytes());
    }
    let service = start(&redis, &flow, &front);
    service.says("its ts stays at 1000").await.unwrap();
    tokio::time::timeout(DEADLINE, has(&redis, 1)).await.unwrap();
    assert_eq!(ids(&redis).await, ["a"]);
    assert!(ANSWERS - front.left() < 40, "{} polls", ANSWERS - front.left());
    ends_well(service).await;
}

#[tokio::test]
async fn updates_that_come_again_without_moving_the_position_are_no_hot_loop() {
    const ANSWERS: usize = 2000;
    let (redis, flow, front) = scene().await;
    let (a, b) = (update("a"), update("b"));
    lead_here(&front);
    front.answer("/whp/1", "200 OK", format!(r#"{{"ts":"1000","updates":[{a}]}}"#).as_bytes());
    for _ in 0..ANSWERS {
        let body = format!(r#"{{"ts":"1000","updates":[{a},{b}]}}"#);
        front.answer("/whp/1", "200 OK", body.as_bytes());
    }
    let service = start(&redis, &flow, &front);
    service.says("its ts stays at 1000").await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let polls = ANSWERS - front.left();
    assert!(polls < 40, "{polls} polls");
    tokio::time::timeout(DEADLINE, has(&redis, 2)).await.unwrap();
    assert_eq!(ids(&redis).await, ["a", "b"]);
    ends_well(service).await;
}
