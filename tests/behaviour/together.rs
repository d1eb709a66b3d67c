//! What a poll needs is looked up in one call, and chats bring their members.

use anyhow::ensure;
use serde_json::{Value, json};
use vk_simulator::{CHAT_BASE, Fault};

use super::common::{AUTHOR, CHAT, Outcome, Scene, message, stop};

const USERS: &str = "users.get";
const COMMUNITIES: &str = "groups.getById";
const CHATS: &str = "messages.getConversationsById";
const MESSAGES: &str = "messages.getByConversationMessageId";
const MEMBERS: &str = "messages.getConversationMembers";
const LOOK_UPS: [&str; 4] = [USERS, COMMUNITIES, CHATS, MESSAGES];

/// A user, a community, a chat and a cropped message, all in one reply.
fn one_of_each(scene: &Scene) {
    let number = scene.vk.ts() + 1;
    let whole = message(number, json!({"text": "to the end"}))["object"]["message"].take();
    scene.vk.add_message(CHAT, i64::try_from(number).unwrap_or_default(), whole);
    let own = scene.vk.world().group_id;
    scene.vk.push_all(&[
        message(number, json!({"text": "to the", "is_cropped": true})),
        message(number + 1, json!({"from_id": -own})),
    ]);
}

/// The two messages are complete.
async fn both_are_complete(scene: &Scene) -> Outcome {
    scene.all_arrived().await?;
    let events = scene.bus().await?.events("{toaster}:message").await?;
    ensure!(events[0]["message"]["text"] == "to the end", "{}", events[0]);
    Ok(())
}

#[tokio::test]
async fn everything_that_a_poll_needs_takes_one_call() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    one_of_each(&scene);
    both_are_complete(&scene).await?;
    let stats = scene.vk.stats();
    ensure!(LOOK_UPS.iter().all(|method| stats.calls_in_execute[*method] == 1), "{stats:?}");
    ensure!(LOOK_UPS.iter().all(|method| !stats.calls.contains_key(*method)), "{stats:?}");
    stop(service).await
}

#[tokio::test]
async fn a_part_that_vk_refuses_is_asked_for_alone_and_costs_the_others_nothing() -> Outcome {
    for refused in LOOK_UPS {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        scene.vk.inject(refused, Fault::Error(10), 1);
        one_of_each(&scene);
        both_are_complete(&scene).await?;
        let stats = scene.vk.stats();
        let expected = |method| if method == refused { 2 } else { 1 };
        ensure!(LOOK_UPS.iter().all(|it| stats.asked(it) == expected(*it)), "{stats:?}");
        stop(service).await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_execute_each_part_takes_a_call() -> Outcome {
    for fault in [Fault::Error(5), Fault::Error(13), Fault::Error(15), Fault::Html, Fault::NoKeys] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        scene.vk.inject("execute", fault, u32::MAX);
        one_of_each(&scene);
        both_are_complete(&scene).await?;
        let stats = scene.vk.stats();
        ensure!(LOOK_UPS.iter().all(|method| stats.calls[*method] == 1), "{stats:?}");
        ensure!(stats.calls["execute"] == 1, "{stats:?}");
        stop(service).await?;
    }
    Ok(())
}

/// Pauses that VK asks for within an `execute` apply to the method.
#[tokio::test]
async fn a_pause_asked_for_within_execute_is_kept() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.inject(USERS, Fault::Error(29), 1);
    scene.say("Hi!");
    service.says("VK throttles this method").await?;
    ensure!(scene.vk.stats().asked(USERS) == 1, "asked again during the pause");
    stop(service).await
}

/// Two members of a chat, of whom one writes.
async fn after_a_stranger_wrote(scene: &Scene) -> anyhow::Result<(Value, i64)> {
    let world = scene.vk.world();
    let chat = world.chats.values().find(|chat| !chat.hidden && chat.peer_id != CHAT);
    let chat = chat.map_or(CHAT_BASE, |chat| chat.peer_id);
    let members: Vec<_> = world.members(chat).iter().map(|user| user.id).collect();
    let [first, .., last] = members[..] else { anyhow::bail!("a chat without members") };
    scene.push_message(json!({"from_id": first, "peer_id": chat}));
    scene.vk.until(|stats| stats.asked(MEMBERS) > 0).await;
    Ok((json!({"from_id": last, "peer_id": chat}), chat))
}

#[tokio::test]
async fn a_stranger_in_a_chat_makes_its_members_known() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let (other_member, _) = after_a_stranger_wrote(&scene).await?;
    // The answer has been sent, but it may not have been read.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let before = scene.vk.stats();
    scene.push_message(other_member);
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!(LOOK_UPS.iter().all(|it| stats.asked(it) == before.asked(it)), "{stats:?}");
    ensure!(stats.asked(MEMBERS) == 1, "{stats:?}");
    stop(service).await
}

#[tokio::test]
async fn members_that_the_community_may_not_read_are_asked_for_once() -> Outcome {
    for code in [917, 15, 27] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        scene.vk.inject(MEMBERS, Fault::Error(code), u32::MAX);
        let (other_member, _) = after_a_stranger_wrote(&scene).await?;
        scene.push_message(other_member);
        scene.all_arrived().await?;
        // Longer than strangers are gathered.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        ensure!(scene.vk.stats().asked(MEMBERS) == 1, "{:?}", scene.vk.stats());
        stop(service).await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_joins_a_chat_is_known_before_writing() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let joins = scene.vk.world().users.keys().copied().find(|id| *id != AUTHOR).unwrap_or_default();
    scene.push_message(
        json!({"text": "", "action": {"type": "chat_invite_user", "member_id": joins}}),
    );
    scene.settled().await?;
    scene.push_message(json!({"from_id": joins}));
    scene.all_arrived().await?;
    ensure!(scene.vk.stats().asked(USERS) == 1, "{:?}", scene.vk.stats());
    stop(service).await
}
