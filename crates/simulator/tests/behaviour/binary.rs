//! The program `vk-simulator`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::client::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vk-simulator");

#[tokio::test]
async fn it_prints_its_address_and_at_its_end_the_statistics() {
    let mut program = Command::new(PROGRAM)
        .args(["--group-id", "7", "--token", "t", "--rate", "1000", "--total", "20"])
        .args(["--api-latency", "1ms", "--users", "10", "--chats", "3"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a start");
    let mut lines = BufReader::new(program.stdout.take().expect("its output")).lines();
    let mut line = || -> Value {
        serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON")
    };
    let start = line();
    assert_eq!(start["group_id"], 7);

    let http = crate::client::http_client();
    let api_url = start["api_url"].as_str().expect("an address");
    let form = [("access_token", "t"), ("v", "5.199"), ("group_id", "7")];
    let call = http.post(format!("{api_url}groups.getLongPollServer")).form(&form);
    let session = json(call.send().await.expect("an answer")).await;
    let session = &session["response"];
    let server = session["server"].as_str().expect("an address");
    let mut ts = "1000".to_owned();
    while ts != "1020" {
        let query = [
            ("act", "a_check"),
            ("key", session["key"].as_str().expect("a key")),
            ("ts", &ts),
            ("wait", "5"),
        ];
        let reply = json(http.get(server).query(&query).send().await.expect("an answer")).await;
        reply["ts"].as_str().expect("a ts").clone_into(&mut ts);
    }

    let id = program.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("a signal").success());
    let stats = line();
    assert_eq!(stats["updates_served"], 20);
    assert_eq!(stats["calls"]["groups.getLongPollServer"], 1);
    assert!(program.wait().expect("an end").success());
}

#[test]
fn its_help_names_the_flags_and_the_faults() {
    let output = Command::new(PROGRAM).arg("--help").output().expect("an end");
    let help = String::from_utf8(output.stdout).expect("text");
    for word in ["--rate", "--api-latency", "/control/fault", "cut-connection"] {
        assert!(help.contains(word), "{word}");
    }
}
