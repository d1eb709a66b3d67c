//! The contents of streams and channels in a Redis.

use std::{sync::Arc, time::Duration};

use event_fetcher::{
    bus::{Bus, Config, Content, DeadLetter},
    config::{self, Sources},
    event::{Event, EventType},
    ops::{health::Health, metrics::Commits},
    ts::Ts,
};
use futures::StreamExt;
use harness::RedisServer;
use redis::{AsyncCommands, streams::StreamRangeReply};

use super::{
    events::samples,
    python::{hex, python},
};

/// Commits the sample messages, each twice, and a dead letter, under a configuration; returns what the channel
/// `message` carried and what the stream contains.
async fn committed(toml: &str) -> (Vec<Vec<u8>>, Vec<String>) {
    let server = RedisServer::start().await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let settings = settings(&format!("bus.url = \"{}\"\n{toml}", server.url()));
    let bus = bus(&settings);
    let messages = messages();

    let mut listener = client.get_async_pubsub().await.unwrap();
    listener.subscribe("message").await.unwrap();
    let term = bus.acquire().await.unwrap();
    let twice = messages.iter().chain(&messages);
    let entries = twice.map(|it| bus.entry(it, true)).collect();
    let letter = DeadLetter {
        reason: "a reason".to_owned(),
        code: "missing",
        event_id: None,
        raw: "raw".into(),
    };
    let mut content = Content { entries, dead_letters: vec![letter], ..Content::default() };
    let repeats = bus.committer(&term).commit(&mut content, Ts::from(7)).await.unwrap();
    assert_eq!(repeats, messages.len() as u64);

    let carried = listener.on_message().take(messages.len());
    let carried = carried.map(|it| it.get_payload_bytes().to_vec()).collect().await;
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let letters: StreamRangeReply = connection.xrange_all("{toaster}:dead-letter").await.unwrap();
    assert_eq!(letters.ids[0].get("raw"), Some("raw".to_owned()));
    let stream: StreamRangeReply = connection.xrange_all("{toaster}:message").await.unwrap();
    (carried, stream.ids.iter().map(|it| it.get("data").unwrap()).collect())
}

fn settings(toml: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Fetcher.toml");
    std::fs::write(&file, toml).unwrap();
    let sources = Sources { vars: [].into(), ..Sources::from_process(Some(file)) };
    config::load_without_access(&sources).unwrap().bus
}

fn bus(settings: &Config) -> Bus {
    let health = Arc::new(Health::new(Duration::from_secs(25)));
    Bus::new(settings, 1, health, Commits::default()).unwrap()
}

fn messages() -> Vec<Event> {
    samples().into_iter().filter(|it| it.event_type() == EventType::Message).collect()
}

fn as_json() -> Vec<String> {
    messages().iter().map(|it| serde_json::to_string(it).unwrap()).collect()
}

#[tokio::test]
async fn a_handler_of_the_predecessors_time_handles_events_unchanged() {
    let (carried, stream) =
        committed("converter.reply_author = true\nbus.pubsub.encoding = \"pickle\"").await;
    let input: String = carried.iter().map(|it| hex(it) + "\n").collect();
    assert_eq!(
        python("handler_of_old.py", &input),
        "<message b0d7020c0bd1ad36b76567054400abc8b279f960> \
         Руслан Башинский in FUNCKA | TOASTER | DEV | CHAT: Смотри 👀\n\
         warn -5 for Hi! at 3894\n\
         warn -5 for first at 1\n",
        "only messages of the event's own conversation: the handler acts on their numbers there"
    );
    assert_eq!(stream, as_json(), "streams are always JSON");
}

#[tokio::test]
async fn by_default_the_channel_carries_the_streams_json() {
    let (carried, stream) = committed("").await;
    let carried: Vec<_> = carried.into_iter().map(|it| String::from_utf8(it).unwrap()).collect();
    assert_eq!(carried, as_json());
    assert_eq!(stream, as_json());
}

#[test]
fn what_no_channel_carries_is_not_pickled() {
    let published = |toml: &str| {
        let toml =
            format!("converter.reply_author = true\nbus.pubsub.encoding = \"pickle\"\n{toml}");
        bus(&settings(&toml)).entry(&messages()[0], true).published
    };
    assert!(published("bus.delivery = [\"pubsub\"]").is_some());
    assert!(published("bus.delivery = [\"stream\"]").is_none());
    assert!(published("bus.url = \"stdout:\"").is_none());
}
