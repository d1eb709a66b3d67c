//! What Redis tells of the bus, without a service.

use serde_json::{Value, json};

use super::scene::Scene;

async fn group(scene: &Scene, name: &str) -> Value {
    let told = scene.told().await;
    let groups = told["redis"]["snapshot"]["streams"][0]["groups"].as_array().unwrap().clone();
    groups.into_iter().find(|group| group["name"] == name).unwrap()
}

async fn add(scene: &Scene, stream: &str, id: &str, field: &str, value: &str) {
    let mut connection = scene.redis.connect().await.unwrap();
    let mut add = redis::cmd("XADD");
    add.arg(format!("{{toaster}}:{stream}")).arg(id).arg(field).arg(value);
    add.exec_async(&mut connection).await.unwrap();
}

#[tokio::test]
async fn an_empty_redis_is_told_as_such() {
    let scene = Scene::new().await;
    let snapshot = &scene.told().await["redis"]["snapshot"];
    assert_eq!((&snapshot["holder"], &snapshot["position"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&snapshot["gaps"], &snapshot["updates_lost"], &snapshot["duplicates"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let names: Vec<_> =
        snapshot["streams"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(
        names,
        ["{toaster}:message", "{toaster}:command", "{toaster}:button", "{toaster}:reaction"]
    );
    assert_eq!(
        snapshot["streams"][2],
        json!({"name": "{toaster}:button", "length": 0, "newest_age_s": null, "groups": []})
    );
    assert_eq!(
        snapshot["dead_letters"],
        json!({"name": "{toaster}:dead-letter", "count": 0, "newest": []})
    );
}

#[tokio::test]
async fn a_group_is_told_with_what_it_has_yet_to_do() {
    let scene = Scene::new().await;
    for number in 1..=5 {
        add(&scene, "message", &format!("{number}-0"), "data", "{}").await;
    }
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message g 0").await;
    assert_eq!(
        group(&scene, "g").await,
        json!({"name": "g", "consumers": 0, "lag": 5, "lag_change": null, "pending": 0, "oldest_pending_s": null})
    );
    let _: Ignored =
        scene.redis_cli("XREADGROUP GROUP g c COUNT 3 STREAMS {toaster}:message >").await;
    let _: u64 = scene.redis_cli("XACK {toaster}:message g 1-0").await;
    let told = group(&scene, "g").await;
    assert_eq!(
        (&told["consumers"], &told["lag"], &told["pending"]),
        (&json!(1), &json!(2), &json!(2))
    );
    let age = told["oldest_pending_s"].as_u64().unwrap();
    assert!(age > 50 * 365 * 86400, "the entries are as old as 1970: {age}");
}

/// Whatever Redis answers, nobody looks at it.
type Ignored = redis::Value;

#[tokio::test]
async fn a_lag_that_redis_does_not_know_is_not_made_up() {
    let scene = Scene::new().await;
    for number in 1..=5 {
        add(&scene, "message", &format!("{number}-0"), "data", "{}").await;
    }
    // In the middle of the stream Redis cannot tell how many went before.
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message middle 2-0").await;
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message end 5-0").await;
    assert_eq!(group(&scene, "middle").await["lag"], Value::Null);
    assert_eq!(group(&scene, "end").await["lag"], 0);
    let shown = scene.run(&["status"], &[]).await.out;
    assert!(
        shown.lines().any(|line| line.contains("middle") && line.contains("unknown")),
        "{shown}"
    );
}

#[tokio::test]
async fn ages_are_by_the_clock_of_redis_and_never_negative() {
    let scene = Scene::new().await;
    let time: Vec<u64> = scene.redis_cli("TIME").await;
    add(&scene, "message", &format!("{}-0", (time[0] - 1000) * 1000), "data", "{}").await;
    add(&scene, "command", &format!("{}-0", (time[0] + 1000) * 1000), "data", "{}").await;
    let told = scene.told().await;
    let streams = &told["redis"]["snapshot"]["streams"];
    let age = streams[0]["newest_age_s"].as_u64().unwrap();
    assert!((1000..1100).contains(&age), "{age}");
    assert_eq!(streams[1]["newest_age_s"], 0);
}

#[tokio::test]
async fn the_newest_dead_letters_are_told_without_what_is_in_them() {
    let scene = Scene::new().await;
    let mut connection = scene.redis.connect().await.unwrap();
    for (reason, raw) in [
        (&b"first"[..], r#"{"type":"message_new"}"#.to_owned()),
        (
            b"second",
            r#"{"type":"a","object":{"type":"photo","text":"who reads this?"}}"#.to_owned(),
        ),
        (b"third", r#"{"object":{"type":"photo"}}"#.to_owned()),
        (b"fourth", "not JSON".to_owned()),
        (b"fifth", format!(r#"{{"type":"huge","text":"{}"}}"#, "x".repeat(70_000))),
        (b"\xff\x1b[2J", r#"{"type":17}"#.to_owned()),
    ] {
        let mut add = redis::cmd("XADD");
        add.arg("{toaster}:dead-letter").arg("*").arg("reason").arg(reason).arg("raw").arg(raw);
        add.exec_async(&mut connection).await.unwrap();
    }
    let told = scene.told().await;
    let letters = &told["redis"]["snapshot"]["dead_letters"];
    assert_eq!(letters["count"], 6);
    let newest: Vec<_> = letters["newest"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["reason"].as_str().unwrap(), it["update_type"].as_str()))
        .collect();
    assert_eq!(
        newest,
        [
            ("\u{fffd}\u{1b}[2J", None),
            ("fifth", None),
            ("fourth", None),
            ("third", None),
            ("second", Some("a")),
        ]
    );
    assert!(!told.to_string().contains("who reads this?"));
    let shown = scene.run(&["status"], &[]).await.out;
    assert!(shown.contains("\u{fffd}\\u{1b}[2J") && !shown.contains('\u{1b}'), "{shown}");
}
