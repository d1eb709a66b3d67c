//! The Redis user: the rights in the README suffice, and a missing right is reported before anything is
//! written.

use std::path::Path;

use harness::{RedisServer, Service};

use super::flow::{Flow, command, ids};

/// The README's `ACL SETUSER` line without `redis-cli`.
fn line() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(readme).unwrap().replace("\\\n", " ");
    let line = text.lines().find_map(|line| line.split_once("ACL SETUSER ")).unwrap().1;
    let words: Vec<_> = line.split_whitespace().map(|word| word.trim_matches('\'')).collect();
    format!("ACL SETUSER {}", words.join(" "))
}

/// The address with the user of that line.
fn address(redis: &RedisServer) -> String {
    let line = line();
    let user = line.split(' ').nth(2).unwrap();
    let password = line.split(' ').find_map(|word| word.strip_prefix('>')).unwrap();
    redis.url().replace("redis://", &format!("redis://{user}:{password}@"))
}

async fn refused(mut service: Service) -> String {
    assert_eq!(service.ends().await.unwrap().code(), Some(69), "{}", service.output());
    service.output()
}

#[tokio::test]
async fn the_documented_user_can_do_everything() {
    let redis = RedisServer::start().await.unwrap();
    command(&redis, &line()).await;
    let mut flow = Flow::start().await;
    let mut service =
        flow.fetching(&address(&redis), &[("FETCHER_BUS__STREAM_LENGTH", "1000")]).await;
    flow.push(20);
    flow.arrives(&redis).await;
    assert!(service.stop().await.unwrap().success());
    for failure in ["not released", "names are not stored", "no names can be read"] {
        assert!(!service.output().contains(failure), "{}", service.output());
    }

    let letter = r#"{"type":"message_event","object":{"user_id":1,"peer_id":1,"event_id":"a"}}"#;
    let add = "XADD {toaster}:dead-letter 5-0 reason r group_id 218730916 ts 5 raw";
    command(&redis, &format!("{add} {letter}")).await;
    for (arguments, message) in [
        (&["check", "--online"][..], "it is Redis"),
        (&["dead-letters", "list"], "5-0"),
        (&["dead-letters", "requeue", "--all"], "requeued as button"),
        (&["dead-letters", "drop", "5-0"], "no such dead letter"),
        (&["tail", "--last", "1"], "button"),
        (&["status"], "{toaster}:button"),
        (&["names", "forget", "1"], "names deleted"),
    ] {
        flow.run(arguments, &address(&redis), &[]).says(message).await.unwrap();
    }
}

#[tokio::test]
async fn each_missing_command_is_named_before_anything_is_written() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    // Only other commands than `run` need these, and stored names.
    let others = [
        "+xrange",
        "+xrevrange",
        "+xread",
        "+xdel",
        "+zscore",
        "+info",
        "+hdel",
        "+hlen",
        "+hscan",
        "+expire",
    ];
    let line = line();
    for right in line.split(' ').filter(|word| word.starts_with('+') && !others.contains(word)) {
        command(&redis, "ACL DELUSER event-fetcher").await;
        command(&redis, &line.replace(&format!(" {right}"), "")).await;
        let said = refused(flow.service(&address(&redis), &[])).await.to_lowercase();
        let (name, _) = right[1..].split_once('|').unwrap_or((&right[1..], ""));
        assert!(said.contains("noperm") && said.contains(name), "{right}: {said}");
        assert!(said.contains("rights listed in the readme"), "{right}: {said}");
    }
    let mut connection = redis.connect().await.unwrap();
    let size: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await.unwrap();
    assert_eq!(size, 0, "not even a lease is left behind");
}

#[tokio::test]
async fn a_missing_right_to_a_key_or_channel_is_reported() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let part = line().replace(" ~{toaster}:*", " ~{toaster}:[^c]*");
    command(&redis, &part).await;
    assert!(refused(flow.service(&address(&redis), &[])).await.contains("one of the keys"));
    command(&redis, "ACL DELUSER event-fetcher").await;
    command(&redis, &line().replace(" &button", "")).await;
    assert!(refused(flow.service(&address(&redis), &[])).await.contains("PUBLISH on button"));
}

#[tokio::test]
async fn a_right_taken_away_under_way_leaves_no_half_commit() {
    let redis = RedisServer::start().await.unwrap();
    command(&redis, &line()).await;
    let mut flow = Flow::start().await;
    let service = flow.fetching(&address(&redis), &[]).await;
    flow.push(20);
    flow.arrives(&redis).await;
    command(&redis, "ACL SETUSER event-fetcher -xadd").await;
    flow.push(20);
    assert!(refused(service).await.contains("XADD"));
    assert_eq!(ids(&redis).await.len(), 20);
    command(&redis, "ACL SETUSER event-fetcher +xadd").await;
    let mut service = flow.fetching(&address(&redis), &[]).await;
    flow.arrives(&redis).await;
    assert!(service.stop().await.unwrap().success());
}
