//! `tail`

use std::time::Duration;

use harness::RedisServer;
use serde_json::json;
use tempfile::{TempDir, tempdir};
use tokio::process::{Child, ChildStderr, ChildStdout};

use super::{
    streams,
    support::{Said, event_fetcher, run, within_deadline},
};

struct Tail {
    process: Child,
    out: Said<ChildStdout>,
    err: Said<ChildStderr>,
    _dir: TempDir,
}

impl Tail {
    fn start(redis: &RedisServer, options: &[&str]) -> Self {
        let dir = tempdir().unwrap();
        let arguments: Vec<_> = ["tail"].iter().chain(options).copied().collect();
        let mut command = event_fetcher(dir.path(), &arguments);
        let mut process = command.env("FETCHER_BUS__URL", redis.url()).spawn().unwrap();
        let (out, err) = (Said::by(process.stdout.take()), Said::by(process.stderr.take()));
        Self { process, out, err, _dir: dir }
    }
}

/// An event as it stands on the bus, of the type that its last attribute names.
fn event(attribute: &str, content: &serde_json::Value) -> String {
    let mut event = json!({
        "event_type": attribute,
        "event_id": "d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936",
        "user": {"uuid": 1, "name": "Anna Lee", "firstname": "Anna", "lastname": "Lee",
                 "nick": "anna"},
        "peer": {"bpid": 2_000_000_002_i64, "cid": 2, "name": "Tea room"},
    });
    event[attribute] = content.clone();
    event.to_string()
}

fn message(text: &str) -> String {
    let none: [&str; 0] = [];
    event(
        "message",
        &json!({"cmid": 7, "text": text, "reply": null, "forward": none, "attachments": none}),
    )
}

#[tokio::test]
async fn each_type_of_event_is_told_in_one_line() {
    let redis = streams::redis(&[]).await;
    let rich = json!({
        "cmid": 7,
        "text": "look",
        "reply": {"cmid": 5, "text": "at what?"},
        "forward": [{"cmid": 3, "text": ""}, {"cmid": 4, "text": ""}],
        "attachments": ["photo", "geo", "reply", "forward"],
    });
    let button = json!({"cmid": 8, "beid": "b0", "payload": {"call_action": "close"}});
    let reaction = |rid| event("reaction", &json!({"cmid": 9, "rid": rid}));
    streams::add_as(&redis, "45296000-0", "message", &event("message", &rich)).await;
    streams::add_as(&redis, "45297000-0", "button", &event("button", &button)).await;
    streams::add_as(&redis, "45298000-0", "reaction", &reaction(3)).await;
    streams::add_as(&redis, "45299999-0", "reaction", &reaction(0)).await;
    streams::add_as(&redis, "86400000-0", "command", "{}").await;
    let mut tail = Tail::start(&redis, &["--from-start"]);
    let who = "Tea room (2000000002)  Anna Lee (anna)  ";
    for told in [
        format!("12:34:56  message   {who}#7 look [photo, geo] (answers #5) (forwards 2)"),
        format!("12:34:57  button    {who}{{\"call_action\":\"close\"}} on #8"),
        format!("12:34:58  reaction  {who}reaction 3 on #9"),
        format!("12:34:59  reaction  {who}reaction removed from #9"),
        "00:00:00  command   not an event: {}".to_owned(),
    ] {
        assert_eq!(tail.out.line().await, told);
    }
}

#[tokio::test]
async fn only_what_comes_from_now_on_is_told() {
    let redis = streams::redis(&[]).await;
    streams::add(&redis, "message", &message("before")).await;
    let mut tail = Tail::start(&redis, &[]);
    streams::until_someone_waits(&redis).await;
    streams::add(&redis, "message", &message("after")).await;
    assert!(tail.out.line().await.ends_with("#7 after"));
}

#[tokio::test]
async fn the_newest_are_told_first_when_asked_for() {
    let redis = streams::redis(&[]).await;
    for text in ["one", "two", "three"] {
        streams::add(&redis, "message", &message(text)).await;
        streams::add(&redis, "button", "{}").await;
    }
    let mut tail = Tail::start(&redis, &["--last", "2", "--type", "message", "--json"]);
    assert_eq!(tail.out.line().await, message("two"));
    assert_eq!(tail.out.line().await, message("three"));
    streams::add(&redis, "message", &message("four")).await;
    assert_eq!(tail.out.line().await, message("four"));
}

#[tokio::test]
async fn streams_of_any_length_are_told_in_the_order_of_time() {
    let redis = streams::redis(&[]).await;
    for number in 0..500 {
        streams::add_as(&redis, &format!("{number}-1"), "message", &number.to_string()).await;
        if number % 100 == 0 {
            streams::add_as(
                &redis,
                &format!("{number}-2"),
                "command",
                &format!("{number} and a half"),
            )
            .await;
        }
    }
    let mut tail = Tail::start(&redis, &["--from-start", "--json"]);
    for number in 0..500 {
        assert_eq!(tail.out.line().await, number.to_string());
        if number % 100 == 0 {
            assert_eq!(tail.out.line().await, format!("{number} and a half"));
        }
    }
}

#[tokio::test]
async fn a_text_cannot_command_the_terminal() {
    let redis = streams::redis(&[]).await;
    let evil = "\x1b]0;owned\x07\r\n12:00:00  command \u{9b}2J\u{202e}";
    streams::add(&redis, "message", &message(evil).replace("Anna Lee", "\\u001b[31mAnna")).await;
    streams::add(&redis, "message", "\x1b[2J not JSON").await;
    streams::add(&redis, "message", &message(&"long ".repeat(100))).await;
    let mut tail = Tail::start(&redis, &["--from-start"]);
    let line = tail.out.line().await;
    let told = "\\u{1b}[31mAnna (anna)  \
                #7 \\u{1b}]0;owned\\u{7}\\r\\n12:00:00  command \\u{9b}2J\\u{202e}";
    assert!(line.ends_with(told), "{line:?}");
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(tail.out.line().await.ends_with("not an event: \\u{1b}[2J not JSON"));
    let long = tail.out.line().await;
    assert!(long.ends_with("long…") && long.len() < 200, "{long}");
}

#[tokio::test]
async fn it_goes_on_after_redis_was_away() {
    let mut redis = streams::redis(&[]).await;
    streams::add(&redis, "message", &message("before")).await;
    let mut tail = Tail::start(&redis, &["--last", "1"]);
    assert!(tail.out.line().await.ends_with("before"));
    redis.kill().await.unwrap();
    tail.err.until("Redis does not answer").await;
    redis.start_again().await.unwrap();
    streams::add(&redis, "message", &message("after")).await;
    assert!(tail.out.line().await.ends_with("after"));
    tail.err.until("Redis answers again").await;
}

#[tokio::test]
async fn an_interrupt_ends_it_well() {
    let redis = streams::redis(&[]).await;
    let mut tail = Tail::start(&redis, &[]);
    streams::until_someone_waits(&redis).await;
    let id = tail.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(within_deadline(tail.process.wait()).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() {
    let redis = streams::redis(&[]).await;
    streams::add(&redis, "message", &message("before")).await;
    let Tail { mut process, mut out, mut err, _dir } = Tail::start(&redis, &["--last", "1"]);
    out.line().await;
    drop(out);
    // A process that another test is just starting may hold the pipe open for a moment more.
    let writing = async {
        loop {
            streams::add(&redis, "message", &message("after")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let status = within_deadline(async {
        tokio::select! {
            status = process.wait() => status,
            () = writing => unreachable!("it goes on until the process ends"),
        }
    });
    assert_eq!(status.await.unwrap().code(), Some(0));
    assert_eq!(err.next().await, None);
}

#[tokio::test]
async fn without_a_bus_there_is_nothing_to_follow() {
    let dir = tempdir().unwrap();
    let mut command = event_fetcher(dir.path(), &["tail"]);
    command.env("FETCHER_BUS__URL", "stdout:");
    let ended = run(command, "").await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""));
    assert!(ended.err.contains("stdout:") && ended.err.contains("bus.url"), "{}", ended.err);
}

#[tokio::test]
async fn a_wrong_password_ends_it_and_stays_secret() {
    let redis = streams::redis(&["--requirepass", "right-password"]).await;
    let dir = tempdir().unwrap();
    let mut command = event_fetcher(dir.path(), &["tail"]);
    command.env("FETCHER_BUS__URL", redis.url()).env("REDIS_PASSWORD", "wrong-password");
    let ended = run(command, "").await;
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.err.contains("REDIS_PASSWORD_FILE"), "{}", ended.err);
    assert!(!ended.err.contains("wrong-password"), "{}", ended.err);
}
