//! `convert`

use std::fmt::Write as _;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio::io::AsyncWriteExt;
use vk_simulator::World;

use super::support::{Ended, Said, TOKEN, event_fetcher, run, vk, with_vk, within_deadline};

/// The specification's raw update, on one line.
const RAW: &str = concat!(
    r#"{"group_id":218730916,"type":"message_new","#,
    r#""event_id":"d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936","v":"5.199","object":{"message":{"#,
    r#""date":1709107598,"from_id":206295116,"id":0,"out":0,"version":10012065,"#,
    r#""attachments":[],"conversation_message_id":2707,"fwd_messages":[],"important":false,"#,
    r#""is_hidden":false,"peer_id":2000000002,"random_id":0,"text":"Hi!","is_unavailable":true},"#,
    r#""client_info":{"button_actions":["text","vkpay","open_app","location","open_link","#,
    r#""callback","intent_subscribe","intent_unsubscribe"],"keyboard":true,"#,
    r#""inline_keyboard":true,"carousel":true,"lang_id":0}}}"#,
);

/// What the specification makes of it.
const EVENT: &str = concat!(
    r#"{"event_type":"message","event_id":"d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936","#,
    r#""user":{"uuid":206295116,"name":"Руслан Башинский","firstname":"Руслан","#,
    r#""lastname":"Башинский","nick":"oidaho"},"#,
    r#""peer":{"bpid":2000000002,"cid":2,"name":"FUNCKA | TOASTER | DEV | CHAT"},"#,
    r#""message":{"cmid":2707,"text":"Hi!","reply":null,"forward":[],"attachments":[]}}"#,
    "\n",
);

const NAMES: &str = r#"{
    "users": [{"id": 206295116, "first_name": "Руслан", "last_name": "Башинский",
               "domain": "oidaho"}],
    "chats": [{"peer_id": 2000000002, "title": "FUNCKA | TOASTER | DEV | CHAT"}]
}"#;

fn with_names(names: &str) -> TempDir {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("names.json"), names).unwrap();
    dir
}

async fn convert_offline(names: &str, input: &str) -> Ended {
    let dir = with_names(names);
    run(event_fetcher(dir.path(), &["convert", "--names", "names.json"]), input).await
}

#[tokio::test]
async fn the_specifications_update_becomes_its_event() {
    let ended = convert_offline(NAMES, RAW).await;
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), EVENT, ""));
}

#[tokio::test]
async fn updates_are_also_read_from_a_file() {
    let dir = with_names(NAMES);
    std::fs::write(dir.path().join("updates.jsonl"), format!("\n{RAW}\n\n{RAW}\n")).unwrap();
    let arguments = ["convert", "updates.jsonl", "--names", "names.json"];
    let ended = run(event_fetcher(dir.path(), &arguments), "").await;
    assert_eq!((ended.code, ended.out), (Some(0), EVENT.repeat(2)));

    let missing = run(event_fetcher(dir.path(), &["convert", "updates.json"]), "").await;
    assert_eq!(missing.code, Some(64));
    assert_eq!(missing.err, "event-fetcher: updates.json: No such file or directory\n");
}

#[tokio::test]
async fn bad_lines_are_reported_and_the_rest_is_converted() {
    let input = [
        RAW,
        "",
        "not JSON",
        r#"{"type":"message_new","object":{"message":{"peer_id":1,"text":"a secret"}}}"#,
        r#"{"type":"wall_post_new","object":{}}"#,
        r#"{"type":"wall_post_new\u001b[2J","object":{}}"#,
        RAW,
    ]
    .join("\n");
    let ended = convert_offline(NAMES, &input).await;
    assert_eq!((ended.code, ended.out), (Some(65), EVENT.repeat(2)));
    let lines: Vec<_> = ended.err.lines().collect();
    assert_eq!(lines[0], "line 3: the update cannot be read: expected ident");
    assert_eq!(lines[1], "line 4: from_id is missing");
    assert_eq!(lines[2], "not routed, by type: wall_post_new 1, wall_post_new\\u{1b}[2J 1");
    assert_eq!(lines[3], "lines that could not be converted: 2");
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn the_rules_come_from_the_configuration() {
    let dir = with_names(NAMES);
    let mut command = event_fetcher(dir.path(), &["convert", "--names", "names.json", "-"]);
    command.env("FETCHER_CONVERTER__COMMAND_PREFIXES", "[Hi]");
    let ended = run(command, RAW).await;
    assert_eq!(
        ended.out,
        EVENT.replace("\"event_type\":\"message\"", "\"event_type\":\"command\"")
    );
}

#[tokio::test]
async fn a_wrong_file_of_names_is_named_with_its_mistake() {
    for (names, mistake) in [
        (r#"{"user": []}"#, "unknown field `user`"),
        (r#"{"users": [{"id": 1, "first_name": "A", "nick": "a"}]}"#, "unknown field `nick`"),
        (r#"{"messages": [{"text": "whole"}]}"#, "element 1 of messages"),
        ("", "line 1: EOF"),
        ("{\n\"users\": 1}", "names.json: line 2: invalid type: integer `1`, expected a sequence"),
    ] {
        let ended = convert_offline(names, RAW).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""));
        assert!(ended.err.contains("names.json: ") && ended.err.contains(mistake), "{ended:?}");
    }
}

#[tokio::test]
async fn each_line_is_answered_when_it_comes() {
    let dir = with_names(NAMES);
    let arguments = ["convert", "--names", "names.json"];
    let mut child = event_fetcher(dir.path(), &arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut out = Said::by(child.stdout.take());
    for _ in 0..2 {
        stdin.write_all(format!("{RAW}\n").as_bytes()).await.unwrap();
        assert_eq!(out.line().await, EVENT.trim_end());
    }
    drop(stdin);
    assert!(within_deadline(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it_quietly() {
    let dir = with_names(NAMES);
    let mut command = event_fetcher(dir.path(), &["convert", "--names", "names.json"]);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{RAW}\n").as_bytes()).await.unwrap();
    let output = within_deadline(child.wait_with_output()).await.unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

#[tokio::test]
async fn vk_gives_the_same_events_as_a_file_of_what_it_knows() {
    let vk = vk().await;
    vk.generate(3000);
    let mut input = String::new();
    for (_, update) in vk.updates() {
        writeln!(input, "{update}").unwrap();
    }
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("updates.jsonl"), &input).unwrap();
    let mut command = event_fetcher(dir.path(), &["convert", "updates.jsonl"]);
    with_vk(&mut command, &vk, TOKEN);
    let online = run(command, "").await;
    let offline = convert_offline(&names(&vk.world()), &input).await;

    assert_eq!(online.code, Some(65), "the simulator also makes updates that cannot be converted");
    assert_eq!(online.code, offline.code);
    assert_eq!(online.err, offline.err);
    assert!(online.out == offline.out, "VK and the file of names make different events");
    assert!(online.out.lines().count() > 2000, "{}", online.err);
}

/// All that a simulated VK would tell, as a file of names.
fn names(world: &World) -> String {
    let users = world.users.values().map(|user| {
        json!({"id": user.id, "first_name": user.first_name, "last_name": user.last_name,
               "domain": user.domain})
    });
    let communities = world.communities.values().map(|community| {
        json!({"id": community.id, "name": community.name, "screen_name": community.screen_name})
    });
    let chats = world.chats.values().filter(|chat| !chat.hidden);
    let chats = chats.map(|chat| json!({"peer_id": chat.peer_id, "title": chat.title}));
    json!({
        "users": users.collect::<Value>(),
        "communities": communities.collect::<Value>(),
        "chats": chats.collect::<Value>(),
        "messages": world.messages.values().cloned().collect::<Value>(),
    })
    .to_string()
}

#[tokio::test]
async fn a_wrong_token_ends_it_and_says_what_to_do() {
    let (vk, dir) = (vk().await, tempdir().unwrap());
    let mut command = event_fetcher(dir.path(), &["convert"]);
    with_vk(&mut command, &vk, "vk1.a.another-token");
    let ended = run(command, RAW).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(69), ""));
    assert!(ended.err.contains("make a new one"), "{}", ended.err);
    assert!(!ended.err.contains("vk1.a.another-token"), "{}", ended.err);
}
