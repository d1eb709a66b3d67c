//! `status`: what it says, and how it ends.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use vk_simulator::{Fault, Target};

use super::scene::{Scene, free_address};

#[tokio::test(flavor = "multi_thread")]
async fn what_flows_is_told_from_both_sides() {
    let scene = Scene::new().await;
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message handler 0 MKSTREAM").await;
    let mut service = scene.service(&[]).await;
    scene.write(1, "Hi!").await;

    let shown = scene.run(&["status"], &[]).await;
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    assert_eq!(shown.out.lines().next(), Some("Events flow."));
    let pid = service.pid().unwrap().to_string();
    for told in
        ["fetched by", "/", &pid, "1001", "{toaster}:message", "handler", "none since the start"]
    {
        assert!(shown.out.contains(told), "{told}: {}", shown.out);
    }

    let told = scene.told().await;
    assert_eq!((&told["state"], &told["fault"]), (&json!("flowing"), &Value::Null));
    assert_eq!(told["service"]["role"], "fetching");
    assert_eq!(told["service"]["minutes"][0]["events"]["message"], 1);
    assert!(told["service"]["minutes"][0]["p50_ms"].as_f64().is_some());
    assert_eq!(told["redis"]["snapshot"]["position"]["ts"], "1001");
    assert_eq!(told["redis"]["snapshot"]["streams"][0]["groups"][0]["lag"], 1);
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_community_is_asked_of_the_service_where_it_is_not_set() {
    let scene = Scene::new().await;
    let unset = [("GROUPID", ""), ("TOKEN", "")];
    let ended = scene.run(&["status"], &unset).await;
    assert_eq!(ended.status.code(), Some(64));
    assert!(ended.err.contains("GROUPID"), "{ended:?}");

    let _service = scene.service(&[]).await;
    scene.is_ready().await;
    let shown = scene.run(&["status"], &unset).await;
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    assert!(shown.out.contains("position"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_redis_is_shown() {
    let scene = Scene::new().await;
    let mut service = scene.service(&[]).await;
    scene.write(1, "Hi!").await;
    assert!(service.stop().await.unwrap().success());
    let shown = scene.run(&["status"], &[]).await;
    assert_eq!(shown.status.code(), Some(1));
    assert!(shown.out.starts_with("Events do not flow: no instance fetches."), "{}", shown.out);
    assert!(shown.out.contains("1001") && shown.out.contains("{toaster}:message"), "{}", shown.out);
    let told = scene.told().await;
    assert_eq!(told["fault"], "service");
    assert!(told["service"]["error"].is_string(), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_without_a_ttl_is_named() {
    let scene = Scene::new().await;
    scene.redis_cli::<()>("SET {toaster}:lease:218730916 a-hand").await;
    let mut service = scene.run_at(&scene.address, &[], &[("FETCHER_BUS__LEASE", "5m")]);
    service.says("the lease has no TTL").await.unwrap();
    let status = scene.until("the lease is named", |it| it["fault"] == "lease").await;
    assert_eq!(status["service"]["failures"][0]["dependency"], "lease", "{status:#}");
    let told = status["detail"].as_str().unwrap_or_default();
    assert!(told.contains("{toaster}:lease:218730916 has no TTL"), "{told}");
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_service_is_shown_and_redis_named() {
    let mut scene = Scene::new().await;
    let mut service = scene.service(&[]).await;
    scene.write(1, "Hi!").await;
    scene.until("Redis was asked", |it| it["redis"]["snapshot"]["position"]["ts"] == "1001").await;
    scene.redis.kill().await.unwrap();
    service.says("Redis does not serve").await.unwrap();
    let status = scene.until("Redis is at fault", |it| it["state"] == "stopped").await;
    assert_eq!(status["fault"], "redis");
    assert_eq!(status["redis"]["snapshot"]["position"]["ts"], "1001", "the last that was known");
    assert!(
        scene.get("/readyz").await.text().await.unwrap().contains("\nFault: redis (unreachable)\n")
    );

    let shown = scene.run(&["status"], &[]).await;
    assert_eq!(shown.status.code(), Some(1));
    assert!(shown.out.starts_with("Events do not flow: Redis does not answer."), "{}", shown.out);
    assert!(shown.out.contains("events a minute"), "{}", shown.out);

    scene.redis.start_again().await.unwrap();
    let status = scene.until("events flow again", |it| it["state"] == "flowing").await;
    assert_eq!(status["service"]["past_failures"][0]["dependency"], "redis");
    assert!(service.stop().await.unwrap().success());

    scene.redis.kill().await.unwrap();
    let shown = scene.run(&["status"], &[]).await;
    assert_eq!(shown.status.code(), Some(1));
    assert!(shown.out.starts_with("Neither Redis nor the service answers."), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_says_who_fetches() {
    let scene = Scene::new().await;
    let first = scene.service(&[]).await;
    let other = Scene { address: free_address(), ..scene };
    let _second = other.run_at(&other.address, &[], &[]);
    other.until("it stands by", |it| it["state"] == "standby").await;
    let shown = other.run(&["status"], &[]).await;
    assert_eq!(shown.status.code(), Some(0));
    assert!(shown.out.starts_with("Standing by"), "{}", shown.out);
    assert!(shown.out.contains(&format!("/{}/", first.pid().unwrap())), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_again_and_again_until_an_interrupt() {
    let scene = Scene::new().await;
    let mut watching = scene.run_at(&scene.address, &["status", "--watch"], &[]);
    watching.says_times("no instance fetches", 3).await.unwrap();
    watching.signal("INT").await.unwrap();
    assert_eq!(watching.ends().await.unwrap().code(), Some(0));
    let out = watching.output();
    assert!(!out.contains('\u{1b}'), "nothing is drawn where there is no terminal: {out}");

    let mut watching = scene.run_at(&scene.address, &["status", "--watch", "--json"], &[]);
    watching.says_times("snapshot", 2).await.unwrap();
    watching.signal("INT").await.unwrap();
    watching.ends().await.unwrap();
    for line in watching.stdout() {
        assert!(serde_json::from_str::<Value>(&line).unwrap()["state"].is_string());
    }
}

#[tokio::test]
async fn without_a_bus_there_is_only_the_service_to_ask() {
    let scene = Scene::new().await;
    let ended = scene.run(&["status", "--json"], &[("FETCHER_BUS__URL", "stdout:")]).await;
    assert_eq!(ended.status.code(), Some(1));
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&told["state"], &told["redis"]), (&json!("unknown"), &Value::Null));
}

/// Every key that scripts can find is in the document, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_keys_are_the_keys() {
    let mut scene = Scene::new().await;
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message handler 0 MKSTREAM").await;
    let mut service = scene.service(&[]).await;
    scene.vk.inject(Target::Poll, Fault::Failed(1), 1);
    scene.vk.push(&json!({"type": "message_new", "object": {}}));
    scene
        .until("there is a gap and a dead letter", |it| {
            it["service"]["gaps"][0].is_object()
                && it["redis"]["snapshot"]["dead_letters"]["newest"][0].is_object()
        })
        .await;
    scene.vk.inject(Target::Poll, Fault::Status(502), 3);
    let mut keys = BTreeSet::new();
    let failing = scene.until("VK fails", |it| it["service"]["failures"][0].is_object()).await;
    collect(&failing, "", &mut keys);
    let over = scene.until("it is over", |it| it["service"]["past_failures"][0].is_object()).await;
    collect(&over, "", &mut keys);
    service.stop().await.unwrap();
    collect(&scene.told().await, "", &mut keys);
    let without = scene.run(&["status", "--json"], &[("FETCHER_BUS__URL", "stdout:")]).await;
    collect(&serde_json::from_str(&without.out).unwrap(), "", &mut keys);
    scene.redis.kill().await.unwrap();
    collect(&scene.told().await, "", &mut keys);

    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/status.md");
    let text = std::fs::read_to_string(document).unwrap();
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(keys, documented);
}

/// The paths of all that is no object or list of objects.
fn collect(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(field, &path, keys);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, &format!("{path}[]"), keys);
            }
        }
        _ => {
            keys.insert(path.to_owned());
        }
    }
}
