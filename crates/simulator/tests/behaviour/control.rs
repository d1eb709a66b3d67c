//! The control interface for scripts.

use reqwest::Response;
use serde_json::json;

use crate::client::{Vk, json as body};

async fn post(vk: &Vk, path: &str, text: &str) -> Response {
    let request = vk.http.post(vk.simulator.control_url() + path).body(text.to_owned());
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn scripts_push_and_generate_updates() {
    let vk = Vk::new().await;
    assert_eq!(body(post(&vk, "push", r#"{"type":"x"}"#).await).await, json!({"ts": 1001}));
    let answer = body(post(&vk, "generate?n=5", "").await).await;
    assert_eq!(answer, json!({"generated": 5, "ts": 1006}));
    assert_eq!(&*vk.simulator.updates()[0].1, r#"{"type":"x"}"#);
}

#[tokio::test]
async fn scripts_inject_faults_and_read_the_counts() {
    let vk = Vk::new().await;
    assert!(
        post(&vk, "fault?kind=error-10&times=2&method=users.get", "").await.status().is_success()
    );
    assert!(post(&vk, "fault?kind=failed-9", "").await.status().is_success());
    let session = vk.session().await;
    assert_eq!(vk.poll(&session, session.ts, 25).await, json!({"failed": 9}));
    for _ in 0..2 {
        assert_eq!(vk.call("users.get", &[]).await["error"]["error_code"], 10);
    }
    let stats = vk.http.get(vk.simulator.control_url() + "stats").send().await.expect("an answer");
    let stats = body(stats).await;
    assert_eq!(stats["faults"], json!({"error-10": 2, "failed-9": 1}));
    assert_eq!(stats["api_errors"], json!({"10": 2}));
    assert_eq!(stats["calls"], json!({"groups.getLongPollServer": 1, "users.get": 2}));
}

#[tokio::test]
async fn an_unknown_fault_is_rejected() {
    let vk = Vk::new().await;
    let response = post(&vk, "fault?kind=gremlins", "").await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.text().await.expect("a body"), "`gremlins` is not a fault\n");
}
