//! Look-ups of names: batched, cached, and refreshed without delaying events.

use std::time::Duration;

use anyhow::ensure;
use harness::Bus;
use serde_json::{Value, json};
use vk_simulator::{CHAT_BASE, Fault, Options, User};

use super::common::{AUTHOR, CHAT, Outcome, Scene, message, stop};

const USERS: &str = "users.get";
const CHATS: &str = "messages.getConversationsById";

/// The action of a message that renames its chat.
fn new_title(title: &str) -> Value {
    json!({"text": "", "action": {"type": "chat_title_update", "text": title}})
}

/// The newest message on the bus.
async fn newest(bus: &Bus) -> anyhow::Result<Value> {
    Ok(bus.events("{toaster}:message").await?.pop().unwrap_or_default())
}

#[tokio::test]
async fn a_cached_name_is_not_requested_again() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    for text in ["one", "two", "three"] {
        scene.say(text);
        scene.settled().await?;
    }
    let stats = scene.vk.stats();
    ensure!((stats.asked(USERS), stats.asked(CHATS)) == (1, 1), "{stats:?}");
    ensure!(stats.polls["updates"] == 3, "not three batches");
    stop(service).await
}

#[tokio::test]
async fn a_look_up_under_way_is_not_sent_twice() -> Outcome {
    let options = Options { api_latency: Duration::from_secs(1), ..Options::default() };
    let scene = Scene::with(options).await?;
    let service = scene.start().await?;
    scene.say("one");
    scene.vk.until(|stats| stats.asked(USERS) > 0).await;
    scene.say("two");
    scene.vk.until(|stats| stats.polls.get("updates") == Some(&2)).await;
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!((stats.asked(USERS), stats.asked(CHATS)) == (1, 1), "{stats:?}");
    stop(service).await
}

#[tokio::test]
async fn all_unknown_ids_of_a_batch_share_one_call() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(1000);
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!(stats.asked(USERS) <= 3, "{stats:?}");
    ensure!(stats.asked(CHATS) <= 6, "{stats:?}");
    stop(service).await
}

/// A name beyond its soft TTL is used as it is and refreshed in the background.
#[tokio::test]
async fn a_cached_name_is_used_while_the_api_fails_and_refreshed_when_it_works() -> Outcome {
    let scene = Scene::new()
        .await?
        .set("FETCHER_NAMES__SOFT_TTL", "1s")
        .set("FETCHER_NAMES__NEGATIVE_TTL", "1s");
    let service = scene.start().await?;
    scene.say("Hi!");
    scene.settled().await?;
    scene.vk.set_user(User {
        id: AUTHOR,
        first_name: "Другое".to_owned(),
        last_name: "Имя".to_owned(),
        domain: None,
        deactivated: None,
    });
    // Within an `execute` with the chat, and twice by itself.
    scene.vk.inject(USERS, Fault::Error(10), 3);
    let mut while_it_failed = 0;
    loop {
        scene.say("Hi!");
        let bus = scene.settled().await?;
        match newest(&bus).await?["user"]["name"].as_str() {
            Some("Другое Имя") => break,
            name => ensure!(name == Some("Руслан Башинский"), "{name:?}"),
        }
        let failures = scene.vk.stats().faults.get("error-10").copied();
        while_it_failed += u64::from(matches!(failures, Some(1 | 2)));
    }
    ensure!(while_it_failed > 0, "no event came while the API failed");
    ensure!(scene.vk.stats().faults["error-10"] == 3);
    stop(service).await
}

#[tokio::test]
async fn a_new_title_applies_from_its_own_event_on() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let titles = |events: &[Value]| -> Vec<String> {
        events.iter().map(|it| it["peer"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    scene.say("before");
    scene.settled().await?;
    scene.push_message(new_title("Новое имя"));
    scene.settled().await?;
    // The next title does not affect the message before it, although both are in one batch.
    scene.vk.push_all(&[
        message(11, json!({"text": "still"})),
        message(12, new_title("Опять новое")),
        message(13, json!({"text": "after"})),
        message(14, new_title("")),
        message(15, json!({"text": "nameless"})),
    ]);
    let bus = scene.settled().await?;
    let found = titles(&bus.events("{toaster}:message").await?);
    let old = "FUNCKA | TOASTER | DEV | CHAT";
    let expected = [old, "Новое имя", "Новое имя", "Опять новое", "Опять новое", "", ""];
    ensure!(found == expected, "{found:?}");
    ensure!(scene.vk.stats().asked(CHATS) == 1, "VK was asked again for a cached name");
    stop(service).await
}

/// The title in an update is newer than the result of a call under way.
#[tokio::test]
async fn a_new_title_is_not_undone_by_a_call_under_way() -> Outcome {
    let options = Options { api_latency: Duration::from_millis(500), ..Options::default() };
    let scene = Scene::with(options).await?;
    let service = scene.start().await?;
    scene.say("before");
    scene.vk.until(|stats| stats.asked(CHATS) > 0).await;
    scene.push_message(new_title("Новое имя"));
    scene.settled().await?;
    scene.say("after");
    let bus = scene.settled().await?;
    ensure!(newest(&bus).await?["peer"]["name"] == "Новое имя");
    stop(service).await
}

/// The title of a hidden chat is learnt from the update that changes it.
#[tokio::test]
async fn a_hidden_chat_gets_the_title_that_its_members_give_it() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.set_hidden(CHAT, true);
    let service = scene.start().await?;
    scene.say("before");
    let bus = scene.settled().await?;
    ensure!(
        newest(&bus).await?["peer"] == json!({"bpid": CHAT, "cid": CHAT - CHAT_BASE, "name": ""})
    );
    scene.push_message(new_title("Теперь с именем"));
    scene.say("after");
    scene.settled().await?;
    ensure!(newest(&bus).await?["peer"]["name"] == "Теперь с именем");
    stop(service).await
}
