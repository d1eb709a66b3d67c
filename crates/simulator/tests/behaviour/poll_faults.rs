//! Faults of the Long Poll server, each for as many polls as injected.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use vk_simulator::{Fault, Target};

use crate::client::{Session, Vk, json as body, read_all, soon};

/// A simulator with one update.
async fn with_an_update() -> (Vk, Session) {
    let vk = Vk::new().await;
    let session = vk.session().await;
    vk.simulator.push(&json!({"text": "привет", "list": [1, 2]}));
    (vk, session)
}

fn right_answer() -> Value {
    json!({"ts": "1001", "updates": [{"text": "привет", "list": [1, 2]}]})
}

/// The answer to a poll with this fault; the next poll gets the correct answer.
async fn answer_with(fault: Fault) -> (u16, String, String) {
    let name = fault.to_string();
    let (vk, session) = with_an_update().await;
    vk.simulator.inject(Target::Poll, fault, 1);
    let response = vk.try_poll(&session, session.ts, 25).await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers()[CONTENT_TYPE].to_str().expect("text").to_owned();
    let text = response.text().await.expect("a body");
    assert_eq!(vk.poll(&session, session.ts, 25).await, right_answer());
    assert_eq!(vk.simulator.stats().faults[&name], 1);
    (status, kind, text)
}

#[tokio::test]
async fn http_errors_are_html_pages() {
    for status in [502, 504, 414] {
        let (answered, kind, text) = answer_with(Fault::Status(status)).await;
        assert_eq!(answered, status);
        assert!(kind.starts_with("text/html") && text.starts_with("<html>"));
    }
    let (status, kind, text) = answer_with(Fault::Html).await;
    assert_eq!(status, 200);
    assert!(kind.starts_with("text/html") && text.starts_with("<html>"));
}

#[tokio::test]
async fn bodies_are_empty_cut_or_malformed() {
    assert_eq!(answer_with(Fault::Empty).await.2, "");
    assert_eq!(answer_with(Fault::NoKeys).await.2, "{}");
    let whole = right_answer().to_string();
    let (_, _, cut) = answer_with(Fault::CutText).await;
    assert!(!cut.is_empty() && cut.len() < whole.len() && whole.starts_with(&cut));
    let (_, _, comma) = answer_with(Fault::TrailingComma).await;
    assert_eq!(comma, whole.replace("}]}", "},]}"));
    let (_, _, huge) = answer_with(Fault::Huge(1_000_000)).await;
    assert_eq!(huge.len(), 1_000_000);
    assert_eq!(huge.trim(), "");
}

#[tokio::test]
async fn correct_answers_come_in_unusual_forms() {
    let whole = right_answer().to_string();
    let (_, kind, text) = answer_with(Fault::ContentType).await;
    assert!(kind.starts_with("text/html"));
    assert_eq!(text, whole);
    assert_eq!(answer_with(Fault::Gzip).await.2, whole);

    let time = Duration::from_millis(60);
    for fault in [Fault::Drip(time), Fault::Stall(Some(time))] {
        let start = Instant::now();
        assert_eq!(answer_with(fault).await.2, whole);
        assert!(start.elapsed() >= time);
    }
}

#[tokio::test]
async fn a_gzip_body_has_its_content_encoding() {
    let (vk, session) = with_an_update().await;
    vk.simulator.inject(Target::Poll, Fault::Gzip, 1);
    let mut stream = vk.raw_poll(&session, session.ts).await;
    let mut head = [0; 512];
    let size = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await.expect("an answer");
    let head = String::from_utf8_lossy(&head[..size]);
    assert!(head.contains("content-encoding: gzip"), "{head}");
}

#[tokio::test]
async fn a_connection_ends_in_the_middle_of_a_body() {
    let (vk, session) = with_an_update().await;
    vk.simulator.inject(Target::Poll, Fault::CutConnection, 2);
    let (text, _) = soon(read_all(vk.raw_poll(&session, session.ts).await)).await;
    let (head, half) = text.split_once("\r\n\r\n").expect("a head");
    let whole = right_answer().to_string();
    assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");
    assert!(!half.is_empty() && half.len() < whole.len() && whole.starts_with(half));

    let response = vk.try_poll(&session, session.ts, 25).await.expect("a head");
    assert!(response.text().await.is_err());
    assert_eq!(vk.poll(&session, session.ts, 25).await, right_answer());
}

#[tokio::test]
async fn a_reset_before_has_no_effect_and_one_after_has() {
    let (vk, session) = with_an_update().await;
    for (fault, served) in [(Fault::ResetBefore, 0), (Fault::ResetAfter, 1)] {
        vk.simulator.inject(Target::Poll, fault, 1);
        let (text, end) = soon(read_all(vk.raw_poll(&session, session.ts).await)).await;
        assert_eq!(text, "");
        assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
        assert_eq!(vk.simulator.stats().updates_served, served);
    }
}

#[tokio::test]
async fn a_stall_lasts_until_the_client_goes() {
    let (vk, session) = with_an_update().await;
    vk.simulator.inject(Target::Poll, Fault::Stall(None), 1);
    let stalled = vk.try_poll(&session, session.ts, 25);
    assert!(tokio::time::timeout(Duration::from_millis(100), stalled).await.is_err());
    assert_eq!(vk.poll(&session, session.ts, 25).await, right_answer());
}

#[tokio::test]
async fn a_duplicate_comes_before_the_next_updates() {
    let (vk, session) = with_an_update().await;
    vk.simulator.push(&json!("second"));
    vk.simulator.inject(Target::Poll, Fault::Duplicate, 1);
    let reply = vk.poll(&session, 1001, 25).await;
    assert_eq!(reply["ts"], "1002");
    assert_eq!(reply["updates"], json!([{"text": "привет", "list": [1, 2]}, "second"]));
    assert_eq!(vk.poll(&session, 1001, 25).await["updates"], json!(["second"]));
}

#[tokio::test]
async fn an_early_reply_is_empty_and_keeps_the_ts() {
    let (_, _, text) = answer_with(Fault::EarlyEmpty).await;
    assert_eq!(text, r#"{"ts":"1000","updates":[]}"#);
}

#[tokio::test]
async fn failed_and_error_objects_of_any_code_come_on_demand() {
    for (fault, expected) in [
        (Fault::Failed(1), json!({"failed": 1, "ts": 1001})),
        (Fault::Failed(2), json!({"failed": 2})),
        (Fault::Failed(3), json!({"failed": 3})),
        (Fault::Failed(4), json!({"failed": 4, "min_version": 0, "max_version": 19})),
        (Fault::Failed(77), json!({"failed": 77})),
    ] {
        assert_eq!(answer_with(fault).await.2, expected.to_string());
    }
    let (_, _, error) = answer_with(Fault::Error(10)).await;
    let error: Value = serde_json::from_str(&error).expect("JSON");
    assert_eq!(error["error"]["error_code"], 10);
}

#[tokio::test]
async fn faults_meet_polls_in_order_and_leave_calls_alone() {
    let (vk, session) = with_an_update().await;
    vk.simulator.inject(Target::Poll, Fault::Failed(2), 2);
    vk.simulator.inject(Target::Poll, Fault::NoKeys, 1);
    assert_eq!(vk.session().await.server, session.server);
    let mut replies = Vec::new();
    for _ in 0..4 {
        let response = vk.try_poll(&session, session.ts, 25).await.expect("an answer");
        replies.push(body(response).await);
    }
    let failed = json!({"failed": 2});
    assert_eq!(replies, [failed.clone(), failed, json!({}), right_answer()]);
}
