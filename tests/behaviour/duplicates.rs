//! Duplicates from VK are delivered once.

use anyhow::ensure;
use harness::Bus;
use serde_json::{Value, json};

use super::common::{AUTHOR, CHAT, Outcome, Scene, message, stop};

async fn counts(bus: &Bus) -> anyhow::Result<[usize; 5]> {
    let mut counts = [0; 5];
    let names = ["message", "command", "button", "reaction", "dead-letter"];
    for (count, name) in counts.iter_mut().zip(names) {
        *count = bus.entries(&bus.key(name)).await?.len();
    }
    Ok(counts)
}

/// One update of each type, with ids or, as under old settings, without.
fn one_of_each(with_ids: bool) -> Vec<Value> {
    let press = json!({"user_id": AUTHOR, "peer_id": CHAT, "event_id": "b0d7020c0bd1"});
    let reaction = json!({"reacted_id": AUTHOR, "peer_id": CHAT, "cmid": 5, "reaction_id": 1});
    let mut updates = vec![
        message(1, json!({})),
        message(2, json!({"text": "/help"})),
        json!({"type": "message_event", "event_id": "3", "object": press}),
        json!({"type": "message_reaction_event", "event_id": "4", "object": reaction}),
        json!({"type": "message_new", "event_id": "5", "object": {"odd": true}}),
    ];
    if !with_ids {
        for update in &mut updates {
            update.as_object_mut().map(|it| it.remove("event_id"));
        }
    }
    updates
}

#[tokio::test]
async fn a_later_duplicate_is_dropped_and_counted() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.push_all(&one_of_each(true));
    scene.settled().await?;
    scene.vk.generate(50);
    scene.settled().await?;
    let before = counts(&scene.bus().await?).await?;
    scene.vk.push_all(&one_of_each(true));
    let bus = scene.settled().await?;
    ensure!(counts(&bus).await? == before);
    ensure!(bus.position("duplicates").await? == Some(5));
    stop(service).await
}

#[tokio::test]
async fn a_duplicate_in_one_reply_is_dropped() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.push_all(&[one_of_each(true), one_of_each(true)].concat());
    let bus = scene.settled().await?;
    ensure!(counts(&bus).await? == [1; 5]);
    stop(service).await
}

#[tokio::test]
async fn a_duplicate_after_a_restart_is_dropped() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.push_all(&one_of_each(true));
    scene.settled().await?;
    stop(service).await?;
    scene.vk.push_all(&one_of_each(true));
    let service = scene.start().await?;
    let bus = scene.settled().await?;
    ensure!(counts(&bus).await? == [1; 5]);
    stop(service).await
}

/// The id derived from an update is always the same. Two equal reactions may be two different ones, and so
/// may two equal updates without identity.
#[tokio::test]
async fn updates_without_ids_get_stable_ones_and_only_certain_duplicates_are_dropped() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.push_all(&one_of_each(false));
    scene.settled().await?;
    scene.vk.push_all(&one_of_each(false));
    let bus = scene.settled().await?;
    let found = counts(&bus).await?;
    ensure!(found == [1, 1, 1, 2, 2], "{found:?}");
    let reactions = bus.events("{toaster}:reaction").await?;
    ensure!(reactions[0]["event_id"] == reactions[1]["event_id"], "{reactions:?}");
    stop(service).await
}

#[tokio::test]
async fn without_a_dedup_window_everything_is_delivered() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__DEDUP_WINDOW", "0");
    let service = scene.start().await?;
    scene.vk.push_all(&[one_of_each(true), one_of_each(true)].concat());
    let bus = scene.settled().await?;
    ensure!(counts(&bus).await? == [2; 5]);
    stop(service).await
}

/// The number of remembered ids is bounded.
#[tokio::test]
async fn at_most_dedup_window_ids_are_remembered() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__DEDUP_WINDOW", "100");
    let service = scene.start().await?;
    for _ in 0..4 {
        scene.vk.generate(100);
        scene.settled().await?;
    }
    let mut redis = scene.connect().await?;
    let remembered: usize =
        redis::cmd("ZCARD").arg("{toaster}:seen:218730916").query_async(&mut redis).await?;
    ensure!(remembered == 100, "{remembered}");
    stop(service).await
}
