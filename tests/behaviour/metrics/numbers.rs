//! The numbers are those of what happened.

use event_fetcher::{
    ops::metrics::{Format, Metrics},
    pipeline,
};
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
    let metrics = scene.until("event_fetcher_committed_position", |ts| ts >= 1006.0).await;
    for (series, value) in [
        (r#"events_total{type="message"}"#, 2.0),
        (r#"events_total{type="command"}"#, 1.0),
        (r#"events_total{type="button"}"#, 0.0),
        ("duplicates_dropped_total", 1.0),
        (r#"dead_letters_total{reason="missing"}"#, 1.0),
        (r#"updates_skipped_total{type="group_join"}"#, 1.0),
        (r#"updates_skipped_total{type="other"}"#, 1.0),
        (r#"cache_lookups_total{cache="users",result="miss"}"#, 1.0),
        (r#"vk_api_calls_total{method="users.get",outcome="ok"}"#, 1.0),
        (r#"polls_total{outcome="updates"}"#, 1.0),
        (r#"role{role="fetching"}"#, 1.0),
        (r#"role{role="standby"}"#, 0.0),
        ("ready", 1.0),
        ("lease_terms_total", 1.0),
        ("gaps_total", 0.0),
        (r#"dependency_failing_seconds{dependency="redis"}"#, 0.0),
        // The first commit holds only the position.
        (r#"commits_total{outcome="ok"}"#, 2.0),
        ("commit_latency_seconds_count", 2.0),
        ("message_age_seconds_count", 3.0),
        (r#"stage_duration_seconds_count{stage="enrich"}"#, 2.0),
    ] {
        assert!((metrics.value(series) - value).abs() < 0.5, "{series}: {}", metrics.value(series));
    }
    let age = metrics.value("message_age_seconds_sum");
    assert!(age > 3.0 * 86400.0 * 365.0, "the messages are years old, not {age} s");

    let lag = r#"consumer_group_lag{stream="{toaster}:message",group="handler"}"#;
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
        r#"vk_api_calls_total{method="users.get",outcome="transient_error"}"#,
        r#"vk_api_calls_total{method="groups.getLongPollServer",outcome="ok"}"#,
        "last_poll_timestamp_seconds",
        "last_commit_timestamp_seconds",
        "watermark_timestamp_seconds",
    ] {
        scene.until(&format!("event_fetcher_{series}"), |value| value >= 1.0).await;
    }
}

/// A service that shows no page counts the same.
#[tokio::test(flavor = "multi_thread")]
async fn streams_are_counted_without_a_page() {
    let scene = Scene::new(&[("FETCHER_HTTP__PAGE", "false")]).await;
    let mut redis = scene.redis.connect().await.unwrap();
    let _: () = redis.xgroup_create_mkstream("{toaster}:message", "handler", "0").await.unwrap();
    scene.vk.push(&message(1, "Hi!"));
    let lag = r#"event_fetcher_consumer_group_lag{stream="{toaster}:message",group="handler"}"#;
    let metrics = scene.until(lag, |lag| (lag - 1.0).abs() < 0.5).await;
    assert!((metrics.value(r#"stream_length{stream="{toaster}:message"}"#) - 1.0).abs() < 0.5);
}

/// A series that appears with its first event hides that event from `rate` and `increase`.
#[test]
fn every_series_is_there_before_anything_happened() {
    let text = Metrics::new(&pipeline::label_values()).text(Format::OpenMetrics).unwrap();
    for series in [
        r#"polls_total{outcome="key_expired"}"#,
        r#"lease_term_ends_total{reason="rolled_back"}"#,
        r#"events_total{type="reaction"}"#,
        r#"dead_letters_total{reason="wrong_type"}"#,
        r#"dead_letters_total{reason="unrouted"}"#,
        r#"updates_skipped_total{type="wall_post_new"}"#,
        r#"updates_skipped_total{type="other"}"#,
        r#"commits_total{outcome="stream_full"}"#,
        r#"stage_duration_seconds_count{stage="enrich"}"#,
        r#"vk_api_calls_total{method="users.get",outcome="throttled"}"#,
        r#"vk_api_rate_limit_wait_seconds_total{method="execute"}"#,
        r#"cache_lookups_total{cache="chats",result="miss"}"#,
    ] {
        let start = format!("\nevent_fetcher_{series} 0");
        assert!(text.contains(&start), "{series} is not in {text}");
    }
}
