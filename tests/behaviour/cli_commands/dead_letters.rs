//! `dead-letters`

use harness::{Bus, RedisServer, STREAMS, Service};
use serde_json::{Value, json};
use tempfile::tempdir;
use vk_simulator::Simulator;

use super::{
    streams,
    support::{Ended, GROUP_ID, TOKEN, event_fetcher, run, vk, with_vk},
};

const KEY: &str = "{toaster}:dead-letter";

/// An update that can be converted, such as a letter is after an upgrade of the service.
fn update(vk: &Simulator, event_id: &str) -> String {
    let peer = *vk.world().chats.keys().next().unwrap();
    let user = *vk.world().users.keys().next().unwrap();
    json!({
        "group_id": 218_730_916, "type": "message_new", "event_id": event_id, "v": "5.199",
        "object": {"message": {"date": 1, "from_id": user, "id": 0, "out": 0, "version": 1,
            "attachments": [], "conversation_message_id": 7, "fwd_messages": [],
            "peer_id": peer, "random_id": 0, "text": "Hi!"}},
    })
    .to_string()
}

async fn add(redis: &RedisServer, id: &str, group_id: &str, reason: &str, raw: &str) {
    let mut connection = redis.connect().await.unwrap();
    let mut add = redis::cmd("XADD");
    add.arg(KEY).arg(id).arg("reason").arg(reason).arg("group_id").arg(group_id);
    add.arg("ts").arg("1005").arg("raw").arg(raw).exec_async(&mut connection).await.unwrap();
}

async fn dead_letters(redis: &RedisServer, arguments: &[&str]) -> Ended {
    let dir = tempdir().unwrap();
    let arguments: Vec<_> = ["dead-letters"].iter().chain(arguments).copied().collect();
    let mut command = event_fetcher(dir.path(), &arguments);
    command.env("FETCHER_BUS__URL", redis.url());
    run(command, "").await
}

async fn requeue(redis: &RedisServer, vk: &Simulator, what: &[&str]) -> Ended {
    let dir = tempdir().unwrap();
    let arguments: Vec<_> = ["dead-letters", "requeue"].iter().chain(what).copied().collect();
    let mut command = event_fetcher(dir.path(), &arguments);
    with_vk(&mut command, vk, TOKEN);
    command.env("FETCHER_BUS__URL", redis.url()).env("FETCHER_BUS__STREAM_LENGTH", "100");
    run(command, "").await
}

fn service(redis: &RedisServer, vk: &Simulator) -> Service {
    let variables = [
        ("FETCHER_VK__API_URL", &*vk.api_url()),
        ("FETCHER_BUS__URL", &*redis.url()),
        ("FETCHER_HTTP__LISTEN", ""),
        ("FETCHER_LOG__FORMAT", "text"),
        ("GROUPID", GROUP_ID),
        ("TOKEN", TOKEN),
    ];
    Service::start(env!("CARGO_BIN_EXE_event-fetcher"), &[], &variables).unwrap()
}

async fn bus(redis: &RedisServer) -> Bus {
    Bus::of(redis, GROUP_ID.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn they_are_listed_and_shown_without_harm() {
    let redis = streams::redis(&[]).await;
    add(&redis, "1709107598123-0", GROUP_ID, "from_id is missing", r#"{"a":[1,2],"b":"x"}"#).await;
    add(&redis, "1709107599000-1", "\x1b[2J", "evil\n\x1b[2J\u{202e}", "not \x1b[2JJSON").await;
    let list = dead_letters(&redis, &["list"]).await;
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    let lines: Vec<_> = list.out.lines().collect();
    assert_eq!(
        lines,
        [
            "1709107598123-0  2024-02-28T08:06:38Z  218730916  1005  from_id is missing",
            "1709107599000-1  2024-02-28T08:06:39Z  \\u{1b}[2J  1005  evil\\n\\u{1b}[2J\\u{202e}",
        ]
    );
    let json = dead_letters(&redis, &["list", "--json"]).await;
    let objects: Vec<Value> =
        json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects[0]["raw"], r#"{"a":[1,2],"b":"x"}"#);
    assert_eq!(objects[1]["reason"], "evil\n\x1b[2J\u{202e}");

    let show = dead_letters(&redis, &["show", "1709107598123-0"]).await;
    assert_eq!(show.code, Some(0));
    assert!(show.out.contains("reason  from_id is missing\n"), "{}", show.out);
    assert!(show.out.ends_with("{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": \"x\"\n}\n"));
    let evil = dead_letters(&redis, &["show", "1709107599000-1"]).await;
    assert!(!evil.out.contains('\x1b'), "{}", evil.out);
}

#[tokio::test]
async fn what_is_dropped_is_gone_and_what_is_unknown_is_told() {
    let redis = streams::redis(&[]).await;
    add(&redis, "5-0", GROUP_ID, "from_id is missing", "{}").await;
    let dropped = dead_letters(&redis, &["drop", "5-0", "6-0"]).await;
    assert_eq!(dropped.code, Some(64), "{dropped:?}");
    assert_eq!(
        dropped.out,
        "5-0  dropped: from_id is missing\n6-0  there is no such dead letter\n"
    );
    assert_eq!(dead_letters(&redis, &["list"]).await.out, "");
    assert_eq!(dead_letters(&redis, &["show", "5-0"]).await.code, Some(64));
    let no_id = dead_letters(&redis, &["drop", "five"]).await;
    assert!(no_id.code == Some(64) && no_id.err.contains("two numbers"), "{no_id:?}");
}

#[tokio::test]
async fn what_can_be_converted_now_becomes_exactly_one_event() {
    let (redis, vk) = (streams::redis(&[]).await, vk().await);
    add(&redis, "5-0", GROUP_ID, "old reason", &update(&vk, "abc")).await;
    let (one, other) =
        tokio::join!(requeue(&redis, &vk, &["5-0"]), requeue(&redis, &vk, &["--all"]),);
    let said = format!("{}{}", one.out, other.out);
    assert_eq!(said.matches("requeued as message abc").count(), 1, "{one:?} {other:?}");

    let bus = bus(&redis).await;
    let entries = bus.entries(STREAMS[0]).await.unwrap();
    assert_eq!(entries.len(), 1);
    let fields: Vec<_> = entries[0].keys().map(String::as_str).collect();
    assert_eq!(fields, ["data", "event_id", "event_type", "group_id", "ts"]);
    assert_eq!((&*entries[0]["ts"], &*entries[0]["group_id"]), ("1005", GROUP_ID));
    let event: Value = serde_json::from_str(&entries[0]["data"]).unwrap();
    assert!(event["user"]["name"] != "" && event["peer"]["name"] != "", "{event}");
    assert_eq!(bus.dead_letters().await.unwrap(), []);

    let again = requeue(&redis, &vk, &["5-0"]).await;
    assert_eq!((again.code, &*again.out), (Some(64), "5-0  there is no such dead letter\n"));
    assert_eq!(requeue(&redis, &vk, &["--all"]).await.code, Some(0));
    let mut connection = redis.connect().await.unwrap();
    let mut count = redis::cmd("HGET");
    let added: u64 =
        count.arg("{toaster}:added").arg("message").query_async(&mut connection).await.unwrap();
    assert_eq!(added, 1, "the stream's cap counts it");
}

#[tokio::test]
async fn what_cannot_become_an_event_of_this_community_stays() {
    let (redis, vk) = (streams::redis(&[]).await, vk().await);
    add(&redis, "5-0", GROUP_ID, "r", "{}").await;
    add(&redis, "6-0", GROUP_ID, "r", r#"{"type":"wall_post_new","object":{}}"#).await;
    add(&redis, "7-0", "5", "r", &update(&vk, "abc")).await;
    let ended = requeue(&redis, &vk, &["--all"]).await;
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert_eq!(
        ended.out,
        "5-0  stays: type is missing\n\
         6-0  stays: updates of type wall_post_new are not routed\n\
         7-0  stays: it belongs to group 5, but vk.group_id is 218730916\n"
    );
    assert_eq!(bus(&redis).await.dead_letters().await.unwrap().len(), 3);
}

#[tokio::test]
async fn neither_the_letter_nor_vk_makes_an_event_twice() {
    let (redis, vk) = (streams::redis(&[]).await, vk().await);
    let bus = bus(&redis).await;
    let mut service = service(&redis, &vk);
    bus.reaches(vk.ts()).await.unwrap();
    // The service remembers both ids, one of a dead letter and one of an event.
    vk.push_raw(r#"{"type":"message_new","event_id":"abc","object":{}}"#.to_owned());
    vk.push_raw(update(&vk, "def"));
    bus.reaches(vk.ts()).await.unwrap();
    let mut connection = redis.connect().await.unwrap();
    redis::cmd("DEL").arg(KEY).exec_async(&mut connection).await.unwrap();
    // As after an upgrade that can convert the one, and again VK's word for the other.
    add(&redis, "5-0", GROUP_ID, "r", &update(&vk, "abc")).await;
    add(&redis, "6-0", GROUP_ID, "r", &update(&vk, "abc")).await;
    add(&redis, "7-0", GROUP_ID, "r", &update(&vk, "def")).await;
    let ended = requeue(&redis, &vk, &["--all"]).await;
    assert_eq!(
        ended.out,
        "5-0  requeued as message abc\n\
         6-0  removed: its event was on the bus already\n\
         7-0  removed: its event was on the bus already\n"
    );
    vk.push_raw(update(&vk, "abc"));
    bus.reaches(vk.ts()).await.unwrap();
    let ids: Vec<_> = bus.entries(STREAMS[0]).await.unwrap();
    let ids: Vec<_> = ids.iter().map(|entry| &*entry["event_id"]).collect();
    assert_eq!(ids, ["def", "abc"]);
    assert_eq!(bus.position("duplicates").await.unwrap(), Some(1));
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_stream_that_a_consumer_has_to_read_first_takes_none() {
    let (redis, vk) = (streams::redis(&[]).await, vk().await);
    for number in 0..150 {
        add(&redis, &format!("5-{number}"), GROUP_ID, "r", &update(&vk, &number.to_string())).await;
    }
    let mut connection = redis.connect().await.unwrap();
    let mut group = redis::cmd("XGROUP");
    group.arg("CREATE").arg(STREAMS[0]).arg("slow").arg("0").arg("MKSTREAM");
    group.exec_async(&mut connection).await.unwrap();
    let ended = requeue(&redis, &vk, &["--all"]).await;
    assert_eq!(ended.code, Some(65), "{}", ended.err);
    let refused = "stays: {toaster}:message is full until consumer group slow reads on";
    assert_eq!(ended.out.matches(refused).count(), 50, "{}", ended.out);
    let bus = bus(&redis).await;
    assert_eq!(bus.entries(STREAMS[0]).await.unwrap().len(), 100);
    assert_eq!(bus.dead_letters().await.unwrap().len(), 50);
}
