//! Look-ups of users, communities, conversations and messages.

use serde_json::{Value, json};
use vk_simulator::{Deactivated, HiddenChats, User};

use crate::client::Vk;

fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

fn ids(items: &Value, path: &str) -> Vec<i64> {
    let items = items.as_array().expect("a list").iter();
    items.map(|item| item.pointer(path).and_then(Value::as_i64).expect("an id")).collect()
}

async fn user(vk: &Vk, wanted: impl Fn(&User) -> bool, fields: &str) -> (User, Value) {
    let world = vk.simulator.world();
    let user = world.users.values().find(|user| wanted(user)).expect("such a user");
    let answer =
        vk.call("users.get", &[("user_ids", &user.id.to_string()), ("fields", fields)]).await;
    (user.clone(), answer["response"][0].clone())
}

#[tokio::test]
async fn users_come_in_an_order_of_their_own_without_unknown_ones() {
    let vk = Vk::new().await;
    let asked: Vec<i64> = vk.simulator.world().users.keys().copied().take(3).collect();
    let text = list(&[asked[0], 7, asked[1], asked[2], asked[0]]);
    let answer = vk.call("users.get", &[("user_ids", &text)]).await;
    let returned = ids(&answer["response"], "/id");
    assert_ne!(returned, asked);
    let mut sorted = returned;
    sorted.sort_unstable();
    assert_eq!(sorted, asked);
}

#[tokio::test]
async fn a_users_domain_is_returned_on_request() {
    let vk = Vk::new().await;
    let active = |user: &User| user.deactivated.is_none();
    let (user, plain) = user(&vk, active, "").await;
    assert_eq!(plain["first_name"], user.first_name);
    assert_eq!(plain["last_name"], user.last_name);
    assert_eq!(plain["is_closed"], false);
    assert!(plain.get("domain").is_none());
    let (_, asked) = self::user(&vk, active, "domain,sex").await;
    assert_eq!(asked["domain"].as_str(), user.domain.as_deref());
    let domain = user.domain.expect("a domain");
    let by_domain = vk.call("users.get", &[("user_ids", &domain)]).await;
    assert_eq!(by_domain["response"][0]["id"], user.id);
}

#[tokio::test]
async fn deactivated_users_are_mostly_hidden() {
    let vk = Vk::new().await;
    let gone = |how| move |user: &User| user.deactivated == Some(how);
    let (user, deleted) = user(&vk, gone(Deactivated::Deleted), "domain").await;
    let expected =
        json!({"id": user.id, "first_name": "DELETED", "last_name": "", "deactivated": "deleted"});
    assert_eq!(deleted, expected);
    let (user, banned) = self::user(&vk, gone(Deactivated::Banned), "domain").await;
    assert_eq!(banned["first_name"], user.first_name);
    assert_eq!(banned["deactivated"], "banned");
    assert!(banned.get("domain").is_none() && banned.get("is_closed").is_none());
}

#[tokio::test]
async fn a_negative_user_id_fails_the_call() {
    let vk = Vk::new().await;
    let answer = vk.call("users.get", &[("user_ids", "100000001,-1")]).await;
    assert_eq!(answer["error"]["error_code"], 113);
}

#[tokio::test]
async fn names_are_in_the_language_asked_for() {
    let vk = Vk::new().await;
    let id = *vk.simulator.world().users.keys().next().expect("a user");
    let request = vk.http.get(vk.simulator.api_url() + "users.get");
    let request = request.bearer_auth(&vk.options.token);
    let id = id.to_string();
    let request = request.query(&[("v", "5.199"), ("lang", "en"), ("user_ids", &id)]);
    let answer = crate::client::json(request.send().await.expect("an answer")).await;
    let name = answer["response"][0]["last_name"].as_str().expect("a name");
    assert!(name.is_ascii() && !name.is_empty(), "{name}");
}

#[tokio::test]
async fn communities_come_in_an_object_and_none_asked_for_means_the_own_one() {
    let vk = Vk::new().await;
    let world = vk.simulator.world();
    let asked: Vec<i64> = world.communities.keys().copied().take(2).collect();
    let text = list(&[asked[0], 1, asked[1]]);
    let answer = vk.call("groups.getById", &[("group_ids", &text)]).await;
    assert_eq!(ids(&answer["response"]["groups"], "/id"), [asked[1], asked[0]]);
    assert_eq!(answer["response"]["profiles"], json!([]));
    let first = &world.communities[&asked[0]];
    assert_eq!(answer["response"]["groups"][1]["name"], first.name);
    assert_eq!(answer["response"]["groups"][1]["screen_name"], first.screen_name);

    let own = vk.call("groups.getById", &[]).await;
    assert_eq!(ids(&own["response"]["groups"], "/id"), [vk.options.group_id]);
    let negative = vk.call("groups.getById", &[("group_ids", "-1")]).await;
    assert_eq!(negative["error"]["error_code"], 125);
}

#[tokio::test]
async fn chats_have_titles_and_dialogs_have_none() {
    let vk = Vk::new().await;
    let world = vk.simulator.world();
    let chat = world.chats.values().find(|chat| !chat.hidden).expect("a chat");
    let user = *world.users.keys().next().expect("a user");
    let peers = list(&[chat.peer_id, user, -vk.options.group_id, 2_100_000_000]);
    let answer = vk.call("messages.getConversationsById", &[("peer_ids", &peers)]).await;
    let response = &answer["response"];
    assert_eq!(response["count"], 3);
    assert_eq!(ids(&response["items"], "/peer/id"), [-vk.options.group_id, user, chat.peer_id]);
    let chat_item = &response["items"][2];
    assert_eq!(chat_item["chat_settings"]["title"], chat.title);
    assert_eq!(chat_item["peer"]["local_id"], chat.peer_id - vk_simulator::CHAT_BASE);
    assert!(response["items"][1].get("chat_settings").is_none());
    assert_eq!(response["items"][0]["peer"]["type"], "group");

    vk.simulator.set_title(chat.peer_id, "Новое \"имя\" 🐸");
    let peer = chat.peer_id.to_string();
    let renamed = vk.call("messages.getConversationsById", &[("peer_ids", &peer)]).await;
    assert_eq!(renamed["response"]["items"][0]["chat_settings"]["title"], "Новое \"имя\" 🐸");
}

#[tokio::test]
async fn a_hidden_chat_is_left_out_or_fails_the_call() {
    let vk = Vk::new().await;
    let peers: Vec<i64> = vk.simulator.world().chats.keys().copied().take(2).collect();
    vk.simulator.set_hidden(peers[0], true);
    vk.simulator.set_hidden(peers[1], false);
    let alone = [("peer_ids", &*peers[0].to_string())];
    let answer = vk.call("messages.getConversationsById", &alone).await;
    assert_eq!(answer["response"], json!({"count": 0, "items": []}));
    let both = list(&peers);
    let answer = vk.call("messages.getConversationsById", &[("peer_ids", &both)]).await;
    assert_eq!(ids(&answer["response"]["items"], "/peer/id"), [peers[1]]);

    vk.simulator.set_hidden_chats(HiddenChats::FailTheCall);
    let answer = vk.call("messages.getConversationsById", &[("peer_ids", &both)]).await;
    assert_eq!(answer["error"]["error_code"], 917);
}

#[tokio::test]
async fn complete_messages_are_returned_by_their_id_except_in_hidden_chats() {
    let vk = Vk::new().await;
    let peer = *vk.simulator.world().chats.keys().next().expect("a chat");
    vk.simulator.set_hidden(peer, false);
    vk.simulator.add_message(peer, 5, json!({"text": "целиком"}));
    let text = peer.to_string();
    let parameters = [("peer_id", &*text), ("conversation_message_ids", "4,5")];
    let method = "messages.getByConversationMessageId";
    let answer = vk.call(method, &parameters).await;
    assert_eq!(answer["response"], json!({"count": 1, "items": [{"text": "целиком"}]}));
    vk.simulator.set_hidden(peer, true);
    let answer = vk.call(method, &parameters).await;
    assert_eq!(answer["response"], json!({"count": 0, "items": []}));
}

#[tokio::test]
async fn the_complete_form_of_a_generated_cropped_message_is_returned() {
    let vk = Vk::new().await;
    vk.simulator.generate(2000);
    let world = vk.simulator.world();
    let visible = |peer: &i64| world.chats.get(peer).is_some_and(|chat| !chat.hidden);
    let ((peer, id), whole) =
        world.messages.iter().find(|((peer, _), _)| visible(peer)).expect("a cropped message");
    let (peer, id) = (peer.to_string(), id.to_string());
    let parameters = [("peer_id", &*peer), ("conversation_message_ids", &id)];
    let answer = vk.call("messages.getByConversationMessageId", &parameters).await;
    assert_eq!(&answer["response"]["items"][0], whole);
}
