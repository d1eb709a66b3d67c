//! The Rust example of `docs/consumers.md`.

use std::sync::mpsc;

use harness::RedisServer;
use redis::AsyncCommands;
use tokio::time::{Duration, timeout};

use super::{events::samples, example::consume};

#[test]
fn it_is_the_one_that_is_tested_here() {
    let root = env!("CARGO_MANIFEST_DIR");
    let docs = std::fs::read_to_string(format!("{root}/docs/consumers.md")).unwrap();
    let example = format!("```rust\n{}```\n", include_str!("example.rs"));
    assert!(
        docs.contains(&example),
        "docs/consumers.md shows another than tests/behaviour/consumers/example.rs"
    );
}

#[tokio::test]
async fn it_handles_what_is_on_the_stream_and_acknowledges_it() {
    let server = RedisServer::start().await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let written: Vec<_> =
        samples().iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    for data in &written {
        let () = redis.xadd("{toaster}:message", "*", &[("data", data)]).await.unwrap();
    }
    let (sender, receiver) = mpsc::channel();
    let url = server.url();
    let consumer = consume(&url, "one", |data| sender.send(data.to_owned()).unwrap());
    timeout(Duration::from_secs(2), consumer).await.expect_err("it goes on until Redis fails");
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), written);
    let pending: redis::streams::StreamPendingReply =
        redis.xpending("{toaster}:message", "message-handler").await.unwrap();
    assert_eq!(pending.count(), 0);
}
