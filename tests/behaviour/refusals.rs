//! Lists that VK rejects because of some ids are settled in few calls.

use anyhow::ensure;
use serde_json::json;
use vk_simulator::{CHAT_BASE, Chat, Fault, HiddenChats};

use super::common::{Outcome, Scene, message, stop};

const CHATS: &str = "messages.getConversationsById";
const EXECUTE: &str = "execute";

/// A message in each of `number` hidden chats, all in one answer.
fn in_hidden_chats(scene: &Scene, number: i64) {
    let first = scene.vk.ts() + 1;
    let updates: Vec<_> = (1..=number)
        .zip(first..)
        .map(|(chat, number)| message(number, json!({"peer_id": CHAT_BASE + 10_000 + chat})))
        .collect();
    scene.vk.push_all(&updates);
}

fn hide(scene: &Scene, number: i64) {
    scene.vk.set_hidden_chats(HiddenChats::FailTheCall);
    for chat in 1..=number {
        let (peer_id, title) = (CHAT_BASE + 10_000 + chat, "hidden".to_owned());
        scene.vk.set_chat(Chat { peer_id, title, hidden: true });
    }
}

fn calls(scene: &Scene) -> u64 {
    let stats = scene.vk.stats();
    [CHATS, EXECUTE].iter().filter_map(|method| stats.calls.get(*method)).sum()
}

#[tokio::test]
async fn three_thousand_refused_chats_take_few_calls_and_are_remembered() -> Outcome {
    let scene = Scene::new().await?;
    hide(&scene, 3000);
    let service = scene.start().await?;
    in_hidden_chats(&scene, 3000);
    let bus = scene.settled().await?;
    let events = bus.events("{toaster}:message").await?;
    ensure!(events.len() == 3000 && events.iter().all(|event| event["peer"]["name"] == ""));
    // 25 an `execute`, and each list of 100 once before that.
    let asked = calls(&scene);
    ensure!(asked <= 3000 / 25 + 3000 / 100 + 10, "{asked} calls");
    in_hidden_chats(&scene, 3000);
    scene.settled().await?;
    ensure!(calls(&scene) == asked, "asked again");
    stop(service).await
}

#[tokio::test]
async fn without_execute_lists_are_halved() -> Outcome {
    for fault in [Fault::Error(15), Fault::Error(27), Fault::Error(13), Fault::Html, Fault::NoKeys]
    {
        let scene = Scene::new().await?;
        hide(&scene, 3);
        scene.vk.inject(EXECUTE, fault, u32::MAX);
        let service = scene.start().await?;
        in_hidden_chats(&scene, 3);
        scene.vk.generate(100);
        scene.settled().await?;
        let events = scene.bus().await?.events("{toaster}:message").await?;
        ensure!(events.iter().take(3).all(|event| event["peer"]["name"] == ""));
        ensure!(events.iter().skip(3).any(|event| event["peer"]["name"] != ""), "no title at all");
        stop(service).await?;
    }
    Ok(())
}
