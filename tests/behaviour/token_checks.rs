//! Errors of the token from a look-up: the service checks the token before it stops.

use anyhow::ensure;
use serde_json::json;
use vk_simulator::Fault;

use super::common::{Outcome, Scene, contains, ends_with, message, stop};

const USERS: &str = "users.get";
const COMMUNITIES: &str = "groups.getById";
const CHATS: &str = "messages.getConversationsById";
const MESSAGES: &str = "messages.getByConversationMessageId";
const PERMISSIONS: &str = "groups.getTokenPermissions";

#[tokio::test]
async fn an_error_about_the_token_that_passes_is_waited_out() -> Outcome {
    for code in [5, 17, 27, 28] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        for method in [USERS, CHATS, MESSAGES] {
            scene.vk.inject(method, Fault::Error(code), 2);
        }
        scene.vk.generate(100);
        scene.all_arrived().await?;
        stop(service).await?;
    }
    Ok(())
}

/// A chat may be closed to the community, but users and communities are public: error 15 is about the access.
#[tokio::test]
async fn access_denied_to_users_and_communities_is_waited_out_and_no_name_is_missing() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    for method in [USERS, COMMUNITIES] {
        scene.vk.inject(method, Fault::Error(15), 2);
    }
    scene.vk.push_all(&[
        message(1, json!({"text": "a user"})),
        message(2, json!({"from_id": -77, "text": "a community"})),
    ]);
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!(stats.asked(USERS) == 3 && stats.asked(COMMUNITIES) == 3, "{stats:?}");
    contains(&service.says("VK rejects this method, not the token").await?, "error 15")?;
    stop(service).await
}

#[tokio::test]
async fn a_method_that_the_token_may_not_use_is_named_and_waited_for() -> Outcome {
    let scene = Scene::new().await?;
    let mut service = scene.start().await?;
    let before = scene.bus().await?.whole_position().await?["ts"].clone();
    scene.vk.inject(USERS, Fault::Error(27), u32::MAX);
    scene.say("Hi!");
    scene.vk.until(|stats| stats.asked(USERS) >= 4).await;
    let line = service.says("VK rejects this method, not the token").await?;
    contains(&line, "ERROR")?;
    contains(&line, "error 27")?;
    ensure!(service.has_ended()?.is_none() && !service.output().contains("VK Long Poll"));
    ensure!(scene.bus().await?.whole_position().await?["ts"] == before, "something left");
    scene.vk.clear_faults(USERS);
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn an_error_that_stays_while_the_token_cannot_be_checked_ends_the_service() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.inject(USERS, Fault::Error(5), u32::MAX);
    scene.vk.inject(PERMISSIONS, Fault::Error(10), u32::MAX);
    scene.say("Hi!");
    let output = ends_with(service, 69).await?;
    contains(&output, "TOKEN_FILE")?;
    let checks = scene.vk.stats().calls[PERMISSIONS];
    // The preflight check asks once as well.
    ensure!((5..=6).contains(&checks), "{checks} checks");
    Ok(())
}
