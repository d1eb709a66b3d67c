//! Faults of API calls.

use std::time::Duration;

use serde_json::{Value, json};
use vk_simulator::{Fault, Options, Target};

use crate::client::{Vk, raw_get, read_all, soon};

const METHOD: &str = "groups.getTokenPermissions";

#[tokio::test]
async fn error_envelopes_of_any_code_come_on_demand() {
    let vk = Vk::new().await;
    for code in [1, 5, 6, 9, 10, 14, 15, 29, 100, 9999] {
        vk.simulator.inject(Target::Api, Fault::Error(code), 1);
        let answer = vk.call(METHOD, &[]).await;
        assert_eq!(answer["error"]["error_code"], code);
        assert!(answer["error"]["request_params"].is_array());
        assert_eq!(answer["error"].get("captcha_sid").is_some(), code == 14);
        assert_eq!(vk.simulator.stats().api_errors[&code], 1);
    }
    assert!(vk.call(METHOD, &[]).await.get("response").is_some());
}

#[tokio::test]
async fn a_fault_of_one_method_leaves_the_others_alone() {
    let vk = Vk::new().await;
    vk.simulator.inject("users.get", Fault::Error(10), 1);
    assert!(vk.call(METHOD, &[]).await.get("response").is_some());
    assert_eq!(vk.call("users.get", &[]).await["error"]["error_code"], 10);
    assert!(vk.call("users.get", &[]).await.get("response").is_some());
}

#[tokio::test]
async fn answers_are_pages_empty_cut_or_without_keys() {
    let vk = Vk::new().await;
    let token = vk.options.token.clone();
    let parameters = [("access_token", &*token), ("v", "5.199")];
    let whole =
        vk.send(METHOD, &parameters).await.expect("an answer").text().await.expect("a body");
    let mut answers = Vec::new();
    for fault in [Fault::Status(503), Fault::Empty, Fault::CutText, Fault::NoKeys] {
        vk.simulator.inject(Target::Api, fault, 1);
        let response = vk.send(METHOD, &parameters).await.expect("an answer");
        answers.push((response.status().as_u16(), response.text().await.expect("a body")));
    }
    assert_eq!(answers[0].0, 503);
    assert_eq!(answers[1], (200, String::new()));
    assert!(whole.starts_with(&answers[2].1) && answers[2].1.len() < whole.len());
    assert_eq!(answers[3], (200, "{}".to_owned()));
    assert_eq!(vk.simulator.stats().calls[METHOD], 5);
}

#[tokio::test]
async fn calls_stall_and_connections_are_reset() {
    let vk = Vk::new().await;
    vk.simulator.inject(Target::Api, Fault::Stall(None), 1);
    let stalled = vk.call(METHOD, &[]);
    assert!(tokio::time::timeout(Duration::from_millis(100), stalled).await.is_err());

    for fault in [Fault::ResetBefore, Fault::ResetAfter, Fault::CutConnection] {
        vk.simulator.inject(Target::Api, fault.clone(), 1);
        let query = [("access_token", &*vk.options.token), ("v", "5.199")];
        let address = vk.simulator.api_url() + METHOD;
        let url = reqwest::Url::parse_with_params(&address, query).expect("an address");
        let (text, end) = soon(read_all(raw_get(url).await)).await;
        if fault == Fault::CutConnection {
            assert!(text.contains(r#"{"response""#));
        } else {
            assert_eq!(text, "");
            assert_eq!(end.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset));
        }
    }
    assert!(vk.call(METHOD, &[]).await.get("response").is_some());
    assert_eq!(vk.simulator.stats().calls[METHOD], 5);
}

#[tokio::test]
async fn a_call_that_meets_a_fault_counts_for_the_limit() {
    let vk = Vk::with(Options { requests_per_second: 2, ..Options::default() }).await;
    vk.simulator.inject(Target::Api, Fault::Error(10), 2);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let answer: Value = vk.call(METHOD, &[]).await;
        codes.push(answer["error"]["error_code"].clone());
    }
    assert_eq!(codes, [json!(10), json!(10), json!(6)]);
}
