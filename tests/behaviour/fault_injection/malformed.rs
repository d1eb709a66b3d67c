//! Thousands of malformed updates and API answers: the service continues and accounts for all of them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use harness::{Bus, RedisServer, STREAMS, Service};
use serde_json::json;
use tokio::{sync::watch, time::timeout};
use vk_simulator::Options;

use super::{
    flow::{DEADLINE, Flow, ids},
    front::Front,
    malformed_generator::Generator,
};

const UPDATES: usize = 10_000;
/// The default number of malformed API answers (`MALFORMED_ANSWERS`): each causes a pause, so a thousand take
/// minutes.
const ANSWERS: usize = 100;

/// The number of updates that became events, dead letters, duplicates or counts of skipped types.
async fn accounted_for(bus: &Bus) -> usize {
    let mut number = bus.dead_letters().await.unwrap().len();
    for stream in STREAMS {
        number += bus.entries(stream).await.unwrap().len();
    }
    number += usize::try_from(bus.skipped().await.unwrap().values().sum::<u64>()).unwrap();
    number + usize::try_from(bus.position("duplicates").await.unwrap().unwrap_or(0)).unwrap()
}

/// Ordinary messages arrive in order, and the process was not restarted.
async fn goes_on(flow: &mut Flow, redis: &RedisServer, bus: &Bus, mut service: Service) {
    flow.push(20);
    bus.reaches(flow.vk().ts()).await.unwrap();
    let arrived = ids(redis).await;
    let expected: Vec<_> = (1..=20).map(|number| format!("event-{number}")).collect();
    assert_eq!(arrived[arrived.len() - 20..], expected);
    assert!(service.has_ended().unwrap().is_none(), "{}", service.output());
    assert!(service.stop().await.unwrap().success());
    assert!(!service.output().contains("panicked"), "{}", service.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_updates_are_all_accounted_for() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let service = flow.fetching(&redis.url(), &[]).await;
    let bus = Bus::of(&redis, Options::default().group_id).await.unwrap();
    let first = flow.vk().ts();
    let mut generator = Generator::with_seed(1);
    for number in 0..UPDATES {
        // A body with invalid JSON is fetched three times, so few have it.
        let update = if number % 3000 < 20 {
            generator.no_json()
        } else {
            generator.update(number, Options::default().group_id)
        };
        flow.vk().push_raw(update);
    }
    assert_eq!(flow.vk().ts(), first + UPDATES as u64);
    if let Err(error) = bus.reaches(flow.vk().ts()).await {
        panic!("{error}: {}", service.output());
    }
    assert_eq!(accounted_for(&bus).await, UPDATES);
    let letters = bus.dead_letters().await.unwrap();
    assert!(letters.len() > UPDATES / 10, "only {} are malformed enough", letters.len());
    goes_on(&mut flow, &redis, &bus, service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_answers_of_the_api_hold_nothing_up_forever() {
    let wanted = std::env::var("MALFORMED_ANSWERS").map_or(ANSWERS, |it| it.parse().unwrap());
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let spoilt = Arc::new(watch::channel(0_usize).0);
    let twist = twist(Arc::clone(&spoilt));
    let front = Front::twisting(flow.vk(), twist).await;
    let url = front.url("method/");
    let variables = [
        ("FETCHER_VK__API_URL", &*url),
        // Failed calls count too.
        ("FETCHER_VK__REQUESTS_PER_SECOND", "20"),
        ("FETCHER_LOG__LEVEL", "info"),
    ];
    let service = flow.service(&redis.url(), &variables);
    flow.is_read().await;
    let bus = Bus::of(&redis, Options::default().group_id).await.unwrap();
    let mut pushed = 0;
    let mut answers = spoilt.subscribe();
    while *answers.borrow_and_update() < wanted {
        // Each needs look-ups of a user, a community, a chat and a message that are not cached.
        pushed += 1;
        for author in [1 + pushed, -pushed] {
            push(&flow, pushed, author);
        }
        let asks = timeout(DEADLINE, answers.changed()).await;
        assert!(asks.is_ok(), "VK is not asked any more: {}", service.output());
    }
    if let Err(error) = bus.reaches(flow.vk().ts()).await {
        panic!("{error}: {}", service.output());
    }
    let pushed = usize::try_from(pushed).unwrap();
    assert_eq!(bus.events(STREAMS[0]).await.unwrap().len(), 2 * pushed);
    assert_eq!(accounted_for(&bus).await, 2 * pushed);
    goes_on(&mut flow, &redis, &bus, service).await;
}

/// Damages the answer to the first call with each parameter list, and counts.
fn twist(spoilt: Arc<watch::Sender<usize>>) -> impl Fn(&str, Vec<u8>) -> Vec<u8> {
    let asked = Mutex::new((HashSet::new(), Generator::with_seed(2)));
    move |request, body| {
        let of_names = ["users.get", "groups.getById", "messages.", "execute"];
        let line = request.lines().next().unwrap_or_default();
        if !of_names.iter().any(|method| line.contains(method)) {
            return body;
        }
        let (asked, generator) = &mut *asked.lock().unwrap();
        let question = format!("{line} {}", request.split("\r\n\r\n").nth(1).unwrap_or_default());
        if !asked.insert(question) {
            return body;
        }
        spoilt.send_modify(|number| *number += 1);
        generator.body(&body)
    }
}

/// A cropped message by `author` in a chat of its own.
fn push(flow: &Flow, number: i64, author: i64) {
    let peer_id = 2_000_000_000 + number;
    let message = json!({"date": 1, "from_id": author, "id": 0, "out": 0, "version": 1,
        "attachments": [], "conversation_message_id": number, "fwd_messages": [],
        "peer_id": peer_id, "random_id": 0, "text": "Hi!"});
    flow.vk().add_message(peer_id, number, message.clone());
    let mut cropped = message;
    cropped["is_cropped"] = json!(true);
    flow.vk().push(&json!({"group_id": Options::default().group_id, "type": "message_new",
        "event_id": format!("{number}-by-{author}"), "v": "5.199", "object": {"message": cropped}}));
}
