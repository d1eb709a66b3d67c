//! Long Poll settings and rights of the token.

use crate::client::Vk;

const SERVER: &str = "groups.getLongPollServer";

async fn code(vk: &Vk, method: &str, group_id: &str) -> Option<i64> {
    vk.call(method, &[("group_id", group_id)]).await["error"]["error_code"].as_i64()
}

#[tokio::test]
async fn the_server_is_returned_only_for_the_own_community() {
    let vk = Vk::new().await;
    assert_eq!(code(&vk, SERVER, "1").await, Some(125));
    assert_eq!(code(&vk, SERVER, "club").await, Some(100));
    assert_eq!(vk.call(SERVER, &[]).await["error"]["error_code"], 100);
    assert_eq!(code(&vk, SERVER, &vk.options.group_id.to_string()).await, None);
}

#[tokio::test]
async fn a_disabled_long_poll_is_error_100_until_enabled() {
    let vk = Vk::new().await;
    let group_id = vk.options.group_id.to_string();
    vk.simulator.set_long_poll_enabled(false);
    assert_eq!(code(&vk, SERVER, &group_id).await, Some(100));
    let settings = vk.call("groups.getLongPollSettings", &[("group_id", &group_id)]).await;
    assert_eq!(settings["response"]["is_enabled"], false);
    assert_eq!(settings["response"]["api_version"], "5.199");
    vk.simulator.set_long_poll_enabled(true);
    assert_eq!(code(&vk, SERVER, &group_id).await, None);
}

#[tokio::test]
async fn the_version_of_events_is_returned() {
    let vk = Vk::new().await;
    let group_id = vk.options.group_id.to_string();
    vk.simulator.set_event_version("5.80");
    let settings = vk.call("groups.getLongPollSettings", &[("group_id", &group_id)]).await;
    assert_eq!(settings["response"]["api_version"], "5.80");
}

#[tokio::test]
async fn missing_rights_are_error_15_and_shown_by_the_permissions() {
    let vk = Vk::new().await;
    let group_id = vk.options.group_id.to_string();
    let permissions = vk.call("groups.getTokenPermissions", &[]).await;
    let held = permissions["response"]["permissions"].as_array().map(Vec::len);
    assert_eq!(held, Some(6));

    vk.simulator.set_rights(&["messages"]);
    assert_eq!(code(&vk, SERVER, &group_id).await, Some(15));
    assert_eq!(code(&vk, "groups.getLongPollSettings", &group_id).await, Some(15));
    let permissions = vk.call("groups.getTokenPermissions", &[]).await;
    assert_eq!(permissions["response"]["mask"], 4096);

    vk.simulator.set_rights(&["manage"]);
    assert_eq!(code(&vk, SERVER, &group_id).await, Some(15));
    let answer = vk.call("messages.getConversationsById", &[("peer_ids", "1")]).await;
    assert_eq!(answer["error"]["error_code"], 15);
}

#[tokio::test]
async fn event_types_switched_off_are_not_sent() {
    let vk = Vk::new().await;
    let group_id = vk.options.group_id.to_string();
    vk.simulator.set_event_enabled("message_new", false);
    let settings = vk.call("groups.getLongPollSettings", &[("group_id", &group_id)]).await;
    assert_eq!(settings["response"]["events"]["message_new"], 0);
    assert_eq!(settings["response"]["events"]["message_event"], 1);
    let sent = vk.simulator.generate(200);
    let updates = vk.simulator.updates();
    assert_eq!(sent.len(), updates.len());
    assert!(!sent.is_empty() && sent.len() < 200);
    assert!(updates.iter().all(|(_, update)| !update.contains(r#""type":"message_new""#)));

    vk.simulator.set_event_enabled("message_new", true);
    vk.simulator.generate(200);
    let updates = vk.simulator.updates();
    assert!(updates.iter().any(|(_, update)| update.contains(r#""type":"message_new""#)));
}
