//! The numbers are those of what happened.

use redis::AsyncCommands;
use serde_json::json;
use vk_simulator::{Fault, Target};

use super::scene::Scene;

fn message(number: u64, text: &str) -> serde_json::Value {
    json!({
        "group_id": 218_730_916, "type": "message_new", "event_id": format!("{number:040x}"),
        "v": "5.199", "object": {"client_info": {}, "message": {
            "date": 1_709_107_598, "from_id": 1, "id": 0, "out": 0, "version": 10_012_065,
            "attachments": [], "conversation_message_id": number, "fwd_messages": [],
            "peer_id": 1, "random_id": 0, "text": text,
        }},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_counted() {
    let scene = Scene::new(&[]).await;
    let mut redis = scene.redis.connect().await.unwrap();
    let _: () = redis.xgroup_create_mkstream("{toaster}:message", "handler", "0").await.unwrap();
    scene.vk.push_all(&[
        message(1, "Hi!"),
        message(2, "/help"),
        message(1, "Hi!"),
        json!({"type": "group_join", "object": {}}),
        json!({"type": "made_up_today", "object": {}}),
        json!({"type": "message_new", "object": {}}),
    ]);
    let metrics = scene.until("event_fetcher_position", |ts| ts >= 1006.0).await;
    for (series, value) in [
        (r#"events_total{type="message"}"#, 2.0),
        (r#"events_total{type="command"}"#, 1.0),
        (r#"events_total{type="button"}"#, 0.0),
        ("repeats_dropped_total", 1.0),
        (r#"dead_letters_total{reason="missing"}"#, 1.0),
        (r#"updates_skipped_total{type="group_join"}"#, 1.0),
        (r#"updates_skipped_total{type="other"}"#, 1.0),
        (r#"name_lookups_total{directory="users",result="miss"}"#, 1.0),
        (r#"vk_calls_total{method="users.get",outcome="ok"}"#, 1.0),
        (r#"polls_total{outcome="updates"}"#, 1.0),
        (r#"role{role="fetching"}"#, 1.0),
        (r#"role{role="standby"}"#, 0.0),
        ("ready", 1.0),
        ("tenures_total", 1.0),
        ("gaps_total", 0.0),
        (r#"trouble_seconds{party="redis"}"#, 0.0),
        // The first commit holds only the position.
        (r#"commits_total{outcome="done"}"#, 2.0),
        ("commit_latency_seconds_count", 2.0),
        ("message_age_seconds_count", 3.0),
        (r#"stage_duration_seconds_count{stage="names"}"#, 2.0),
    ] {
        assert!((metrics.value(series) - value).abs() < 0.5, "{series}: {}", metrics.value(series));
    }
    let age = metrics.value("message_age_seconds_sum");
    assert!(age > 3.0 * 86400.0 * 365.0, "the messages are years old, not {age} s");

    let lag = r#"group_lag{stream="{toaster}:message",group="handler"}"#;
    let series = format!("event_fetcher_{lag}");
    let metrics = scene.until(&series, |lag| (lag - 1.0).abs() < 0.5).await;
    assert!((metrics.value(r#"stream_length{stream="{toaster}:dead-letter"}"#) - 1.0).abs() < 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_by_what_they_are() {
    let scene = Scene::new(&[]).await;
    scene.vk.inject(Target::Poll, Fault::Status(502), 2);
    scene.vk.inject(Target::Poll, Fault::Failed(2), 1);
    scene.vk.inject("users.get", Fault::Error(10), 1);
    scene.vk.push(&message(1, "Hi!"));
    for series in [
        r#"events_total{type="message"}"#,
        r#"polls_total{outcome="unreachable"}"#,
        r#"polls_total{outcome="key_expired"}"#,
        r#"vk_calls_total{method="users.get",outcome="retry"}"#,
        r#"vk_calls_total{method="groups.getLongPollServer",outcome="ok"}"#,
        "last_poll_timestamp_seconds",
        "last_commit_timestamp_seconds",
        "current_timestamp_seconds",
    ] {
        scene.until(&format!("event_fetcher_{series}"), |value| value >= 1.0).await;
    }
}
