//! When everything fails, no output contains the token, the Long Poll key or the password.

use harness::{RedisServer, free_port};

use super::{
    flow::{Flow, TOKEN, command},
    front::Front,
};

const PASSWORD: &str = "the-redis-password";
const KEY: &str = "the-long-poll-key";

fn assert_secret(output: &str) {
    for secret in [TOKEN, PASSWORD, KEY] {
        assert!(!output.contains(secret), "{secret} leaks: {output}");
    }
}

/// An address with the password, whether or not a Redis listens there.
fn with_password(port: u16) -> String {
    format!("redis://fetcher:{PASSWORD}@127.0.0.1:{port}")
}

#[tokio::test]
async fn health_reports_what_fails_and_no_secret() {
    let mut redis = RedisServer::start().await.unwrap();
    command(&redis, &format!("ACL SETUSER fetcher on >{PASSWORD} ~* &* +@all")).await;
    let flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    for _ in 0..20 {
        let server = format!("http://127.0.0.1:{}/whp/{KEY}", free_port().unwrap());
        front.answer_server(&server, KEY);
    }
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let (url, api) = (with_password(redis.port()), front.url("method/"));
    let variables = [
        ("FETCHER_VK__API_URL", &*api),
        ("FETCHER_HTTP__LISTEN", &address),
        ("FETCHER_LOG__LEVEL", "trace"),
    ];
    let mut service = flow.service(&url, &variables);
    service.says("poll failed").await.unwrap();
    redis.kill().await.unwrap();
    service.says("Redis does not serve").await.unwrap();
    let mut health = flow.run(&["health"], &url, &variables);
    health.ends().await.unwrap();
    for text in ["Fault: redis (unreachable)", "Also failing: long_poll (unreachable)"] {
        assert!(health.output().contains(text), "{}", health.output());
    }
    assert_secret(&health.output());
    let mut status = flow.run(&["status", "--json"], &url, &variables);
    status.ends().await.unwrap();
    for text in [r#""dependency":"redis""#, r#""dependency":"long_poll""#, r#""fault":"redis""#] {
        assert!(status.output().contains(text), "{}", status.output());
    }
    assert_secret(&status.output());
    service.signal("KILL").await.unwrap();
    service.ends().await.unwrap();
    assert_secret(&service.output());
}

#[tokio::test]
async fn failing_commands_leak_no_secret() {
    let flow = Flow::start().await;
    let front = Front::of(flow.vk()).await;
    let echo = format!(r#"{{"error":{{"error_code":5,"error_msg":"no such token: {TOKEN}"}}}}"#);
    for method in ["getTokenPermissions", "users.get"] {
        front.answer(method, "200 OK", echo.as_bytes());
    }
    let (url, api) = (with_password(free_port().unwrap()), front.url("method/"));
    for arguments in [
        &["check"][..],
        &["check", "--online"],
        &["dead-letters", "list"],
        &["dead-letters", "requeue", "--all"],
        &["status"],
    ] {
        let mut ended = flow.run(arguments, &url, &[("FETCHER_VK__API_URL", &api)]);
        let code = ended.ends().await.unwrap().code();
        let expected = match arguments {
            ["check"] => 0,
            ["status"] => 1,
            _ => 69,
        };
        assert_eq!(code, Some(expected), "{arguments:?}: {}", ended.output());
        assert_secret(&ended.output());
    }
}
