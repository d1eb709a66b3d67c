//! Checks of every API call.

use serde_json::{Value, json};
use vk_simulator::Options;

use crate::client::{Vk, json as body};

const METHOD: &str = "groups.getTokenPermissions";

fn code(answer: &Value) -> i64 {
    answer["error"]["error_code"].as_i64().expect("an error")
}

#[tokio::test]
async fn the_token_comes_in_the_form_or_in_a_header() {
    let vk = Vk::new().await;
    let token = vk.options.token.as_str();
    let form =
        vk.send(METHOD, &[("access_token", token), ("v", "5.199")]).await.expect("an answer");
    assert!(body(form).await.get("response").is_some());

    let address = vk.simulator.api_url() + METHOD;
    let header = vk.http.post(&address).bearer_auth(token).form(&[("v", "5.199")]);
    assert!(body(header.send().await.expect("an answer")).await.get("response").is_some());

    let get = vk.http.get(&address).query(&[("access_token", token), ("v", "5.199")]);
    assert!(body(get.send().await.expect("an answer")).await.get("response").is_some());

    let none = vk.send(METHOD, &[("v", "5.199")]).await.expect("an answer");
    assert_eq!(code(&body(none).await), 5);
    let wrong = vk.http.post(&address).bearer_auth("another").form(&[("v", "5.199")]);
    assert_eq!(code(&body(wrong.send().await.expect("an answer")).await), 5);
    assert_eq!(vk.simulator.stats().api_errors[&5], 2);
}

#[tokio::test]
async fn the_version_is_needed_and_must_not_be_too_old() {
    let vk = Vk::new().await;
    let token = ("access_token", vk.options.token.as_str());
    for (version, expected) in [
        (None, Some(8)),
        (Some("5.80"), Some(8)),
        (Some("4.104"), Some(8)),
        (Some("new"), Some(8)),
        (Some("5.81"), None),
        (Some("5.199"), None),
    ] {
        let mut parameters = vec![token];
        parameters.extend(version.map(|version| ("v", version)));
        let answer = body(vk.send(METHOD, &parameters).await.expect("an answer")).await;
        assert_eq!(answer.get("error").map(|_| code(&answer)), expected, "{version:?}");
    }
}

#[tokio::test]
async fn an_unknown_language_or_method_is_an_error() {
    let vk = Vk::new().await;
    assert_eq!(code(&vk.call("users.Get", &[]).await), 3, "names of methods are case-sensitive");
    let parameters = [("access_token", &*vk.options.token), ("v", "5.199"), ("lang", "tlh")];
    assert_eq!(code(&body(vk.send(METHOD, &parameters).await.expect("an answer")).await), 100);
}

#[tokio::test]
async fn a_json_body_is_not_read() {
    let vk = Vk::new().await;
    let text = json!({"access_token": vk.options.token, "v": "5.199"}).to_string();
    let request = vk.http.post(vk.simulator.api_url() + METHOD);
    let request = request.header("content-type", "application/json").body(text);
    assert_eq!(code(&body(request.send().await.expect("an answer")).await), 5);
}

#[tokio::test]
async fn errors_echo_the_form_in_an_answer_of_status_200() {
    let vk = Vk::new().await;
    let answer = vk.call("no.such", &[("user_ids", "1")]).await;
    let echoed = &answer["error"]["request_params"];
    let has = |key: &str, value: &str| {
        echoed.as_array().is_some_and(|all| all.contains(&json!({"key": key, "value": value})))
    };
    assert!(
        has("method", "no.such") && has("oauth", "1") && has("v", "5.199") && has("user_ids", "1")
    );
    assert!(has("access_token", &vk.options.token), "a token in the form is echoed too");
    assert!(answer["error"]["error_msg"].is_string());
}

#[tokio::test]
async fn calls_above_the_limit_get_error_6_and_the_peak_is_recorded() {
    let vk = Vk::with(Options::default()).await;
    let calls = (0..30).map(|_| vk.call(METHOD, &[]));
    let answers = futures::future::join_all(calls).await;
    let refused = answers.iter().filter(|answer| answer.get("error").is_some()).count();
    assert!(refused >= 1, "30 calls at once are more than 20 a second");
    assert!(answers.iter().all(|answer| answer.get("error").is_none() || code(answer) == 6));
    let stats = vk.simulator.stats();
    assert_eq!(stats.calls[METHOD], 30);
    assert_eq!(stats.api_errors[&6], refused as u64);
    assert_eq!(stats.peak_calls_per_second, 20);
}

#[tokio::test]
async fn more_ids_than_a_method_takes_are_error_100() {
    let vk = Vk::new().await;
    let ids = |count: i64| (1..=count).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    for (method, key, most) in [
        ("users.get", "user_ids", 1000),
        ("groups.getById", "group_ids", 500),
        ("messages.getConversationsById", "peer_ids", 100),
        ("messages.getByConversationMessageId", "conversation_message_ids", 100),
    ] {
        let peer = ("peer_id", "1");
        let answer = vk.call(method, &[(key, &ids(most)), peer]).await;
        assert!(answer.get("response").is_some(), "{method} takes {most}: {answer}");
        assert_eq!(code(&vk.call(method, &[(key, &ids(most + 1)), peer]).await), 100, "{method}");
    }
}
