//! Messages that VK cropped are completed.

use anyhow::ensure;
use serde_json::{Value, json};
use vk_simulator::{CHAT_BASE, Fault, HiddenChats};

use super::common::{CHAT, Outcome, Scene, message, stop};

const MESSAGES: &str = "messages.getByConversationMessageId";
const EXECUTE: &str = "execute";
/// The calls for the members of chats, if the test takes that long.
const MEMBERS: u64 = 1;

/// Pushes a cropped message, whose complete form the API returns, and returns the event.
async fn cropped(scene: &Scene) -> anyhow::Result<Value> {
    let number = scene.vk.ts() + 1;
    let whole = json!({"text": "to the end", "attachments": [{"type": "photo"}, {"type": "doc"}]});
    let whole = message(number, whole)["object"]["message"].take();
    scene.vk.add_message(CHAT, i64::try_from(number)?, whole);
    scene.push_message(json!({
        "text": "to the", "attachments": [{"type": "photo"}], "is_cropped": true,
    }));
    let bus = scene.settled().await?;
    Ok(bus.events("{toaster}:message").await?.pop().unwrap_or_default()["message"].take())
}
#[tokio::test]
async fn a_cropped_message_is_completed() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let event = cropped(&scene).await?;
    ensure!(
        event["text"] == "to the end" && event["attachments"] == json!(["photo", "doc"]),
        "{event}"
    );
    scene.all_arrived().await?;
    stop(service).await
}

/// The look-up is rejected, throttled for a minute, or answered wrongly.
#[tokio::test]
async fn a_cropped_message_that_vk_does_not_complete_is_used_as_it_is() -> Outcome {
    for (fault, times) in
        [(Fault::Error(917), 2), (Fault::Error(29), 1), (Fault::Error(9), 1), (Fault::Error(10), 5)]
    {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        scene.vk.inject(MESSAGES, fault, times);
        let event = cropped(&scene).await?;
        ensure!(event["text"] == "to the" && event["attachments"] == json!(["photo"]), "{event}");
        stop(service).await?;
    }
    Ok(())
}

/// Queues cropped messages of these chats, two in each, all in one reply; the API returns their complete form.
fn of_chats(scene: &Scene, chats: &[i64]) {
    let first = scene.vk.ts() + 1;
    let mut updates = Vec::new();
    for (number, &peer_id) in (first..).zip(chats.iter().chain(chats)) {
        let whole = message(number, json!({"peer_id": peer_id, "text": "to the end"}));
        let cmid = i64::try_from(number).unwrap_or_default();
        scene.vk.add_message(peer_id, cmid, whole["object"]["message"].clone());
        updates.push(message(
            number,
            json!({"peer_id": peer_id, "text": "to the", "is_cropped": true}),
        ));
    }
    scene.vk.push_all(&updates);
}

fn calls(scene: &Scene, method: &str) -> u64 {
    scene.vk.stats().calls.get(method).copied().unwrap_or_default()
}

#[tokio::test]
async fn cropped_messages_of_several_chats_are_completed_by_one_call() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let chats: Vec<_> = (1..=20).map(|number| CHAT_BASE + number).collect();
    of_chats(&scene, &chats);
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!(stats.calls_in_execute[MESSAGES] == 20 && calls(&scene, MESSAGES) == 0, "{stats:?}");
    ensure!(calls(&scene, EXECUTE) <= 1 + MEMBERS, "{stats:?}");
    stop(service).await
}

#[tokio::test]
async fn a_chat_that_vk_refuses_costs_the_others_nothing() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.set_hidden_chats(HiddenChats::FailTheCall);
    let chats = [CHAT_BASE + 1, CHAT_BASE + 3, CHAT_BASE + 5];
    for chat in chats {
        scene.vk.set_hidden(chat, chat == chats[1]);
    }
    of_chats(&scene, &chats);
    scene.all_arrived().await?;
    // The look-ups of the chats' titles are rejected as well, and take one `execute` too.
    let stats = scene.vk.stats();
    ensure!(stats.calls_in_execute[MESSAGES] == 3 && calls(&scene, MESSAGES) == 1, "{stats:?}");
    ensure!(calls(&scene, EXECUTE) <= 2 + MEMBERS, "{stats:?}");
    stop(service).await
}

#[tokio::test]
async fn without_execute_each_chat_is_asked_for_alone() -> Outcome {
    for fault in [Fault::Error(3), Fault::Error(12), Fault::Error(13), Fault::CutConnection] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        scene.vk.inject(EXECUTE, fault, u32::MAX);
        of_chats(&scene, &[CHAT_BASE + 1, CHAT_BASE + 3, CHAT_BASE + 5]);
        scene.all_arrived().await?;
        ensure!(calls(&scene, MESSAGES) == 3, "{:?}", scene.vk.stats());
        stop(service).await?;
    }
    Ok(())
}
