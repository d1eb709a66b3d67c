//! Ids for which VK gives no usable answer: only their own events lose the name, and only while VK answers
//! look-ups of others.

use anyhow::{bail, ensure};
use harness::Bus;
use serde_json::{Value, json};
use vk_simulator::Fault;

use super::common::{AUTHOR, CHAT, Outcome, Scene, message, stop};

const USERS: &str = "users.get";
const COMMUNITIES: &str = "groups.getById";
const CHATS: &str = "messages.getConversationsById";

/// Pushes a message of each of these authors, all in one reply.
fn all_write(scene: &Scene, authors: &[i64]) {
    let updates: Vec<_> = (scene.vk.ts() + 1..)
        .zip(authors)
        .map(|(number, from)| message(number, json!({"from_id": from})))
        .collect();
    scene.vk.push_all(&updates);
}

/// The users that VK knows, except the specification's author.
fn users(scene: &Scene, number: usize) -> Vec<i64> {
    let world = scene.vk.world();
    world.users.keys().copied().filter(|id| *id != AUTHOR).take(number).collect()
}

/// Each event has its author's names, except those of `bad`.
async fn only_one_has_no_name(scene: &Scene, bus: &Bus, bad: i64) -> Outcome {
    let world = scene.vk.world();
    for event in bus.events("{toaster}:message").await? {
        let id = event["user"]["uuid"].as_i64().unwrap_or_default();
        let user = &world.users[&id];
        let name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
        let nick = user.domain.clone().unwrap_or_else(|| format!("id{id}"));
        let expected = if id == bad { (String::new(), format!("id{id}")) } else { (name, nick) };
        ensure!(
            (&event["user"]["name"], &event["user"]["nick"])
                == (&json!(expected.0), &json!(expected.1)),
            "{event}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_id_that_fails_every_list_costs_only_its_own_events_the_name() -> Outcome {
    for code in [10, 1, 77_777] {
        let scene = Scene::new().await?.set("FETCHER_NAMES__UNRESOLVED_AFTER", "1s");
        let service = scene.start().await?;
        let authors = users(&scene, 40);
        scene.vk.refuse_id(authors[7], code);
        all_write(&scene, &authors);
        let bus = scene.settled().await?;
        ensure!(bus.events("{toaster}:message").await?.len() == authors.len());
        only_one_has_no_name(&scene, &bus, authors[7]).await?;
        service.says("VK gives no usable answer for this id").await?;
        let calls = scene.vk.stats().asked(USERS);
        ensure!(calls < 40, "{calls} calls");
        // For some time it is not looked up again.
        let before = calls;
        all_write(&scene, &authors);
        scene.settled().await?;
        ensure!(scene.vk.stats().asked(USERS) == before, "asked again");
        stop(service).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_odd_element_costs_only_its_own_events_the_name() -> Outcome {
    for odd in [json!(null), json!(7), json!([]), json!({}), json!({"id": null}), json!("odd")] {
        odd_element(|_| odd.clone()).await?;
    }
    odd_element(|id| json!({"id": id, "first_name": null, "last_name": "A"})).await?;
    odd_element(|id| json!({"id": id, "first_name": {"a": 1}, "last_name": "A"})).await
}

async fn odd_element(odd: impl Fn(i64) -> Value) -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_NAMES__UNRESOLVED_AFTER", "1s");
    let service = scene.start().await?;
    let authors = users(&scene, 10);
    scene.vk.set_odd(authors[3], odd(authors[3]));
    all_write(&scene, &authors);
    let bus = scene.settled().await?;
    ensure!(bus.events("{toaster}:message").await?.len() == authors.len());
    only_one_has_no_name(&scene, &bus, authors[3]).await?;
    stop(service).await
}

#[tokio::test]
async fn chats_and_communities_that_fail_every_list_cost_only_themselves_the_name() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_NAMES__UNRESOLVED_AFTER", "1s");
    let service = scene.start().await?;
    let own = scene.vk.world().group_id;
    scene.vk.refuse_id(CHAT, 10);
    scene.vk.refuse_id(own, 10);
    scene.push_message(json!({"from_id": -own}));
    let bus = scene.settled().await?;
    let event = bus.events("{toaster}:message").await?.pop().unwrap_or_default();
    ensure!(event["peer"]["name"] == "" && event["user"]["name"] == "", "{event}");
    stop(service).await
}

/// Waits until so many calls were made, and checks that no event is delivered before.
async fn nothing_is_delivered_before(scene: &Scene, calls: u64) -> Outcome {
    tokio::select! {
        () = scene.vk.until(|stats| stats.asked(USERS) >= calls) => Ok(()),
        _ = scene.settled() => bail!("something left, after {:?}", scene.vk.stats().calls),
    }
}

/// While VK answers for no id at all, none is given up: no event is delivered with a guessed identity.
#[tokio::test]
async fn while_a_method_is_down_its_events_wait_however_long() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_NAMES__UNRESOLVED_AFTER", "1s");
    let service = scene.start().await?;
    let before = scene.bus().await?.whole_position().await?["ts"].clone();
    scene.vk.inject(USERS, Fault::Error(10), u32::MAX);
    all_write(&scene, &users(&scene, 1));
    // Far longer than `names.unresolved_after`.
    nothing_is_delivered_before(&scene, 9).await?;
    ensure!(scene.bus().await?.whole_position().await?["ts"] == before, "something left");
    scene.vk.clear_faults(USERS);
    scene.all_arrived().await?;
    stop(service).await
}

/// An id that is already isolated when the outage begins is not given up during the outage either.
#[tokio::test]
async fn an_isolated_id_waits_while_its_method_is_down() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_NAMES__UNRESOLVED_AFTER", "20s");
    let service = scene.start().await?;
    let bad = users(&scene, 1)[0];
    scene.vk.refuse_id(bad, 10);
    all_write(&scene, &[bad]);
    // Within an `execute`, three attempts, a control, and then alone.
    scene.vk.until(|stats| stats.asked(USERS) >= 7).await;
    scene.vk.inject(USERS, Fault::Error(10), u32::MAX);
    let before = scene.vk.stats().asked(USERS);
    nothing_is_delivered_before(&scene, before + 8).await?;
    ensure!(!service.output().contains("VK gives no usable answer for this id"));
    scene.vk.mend_id(bad);
    scene.vk.clear_faults(USERS);
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn with_unresolved_wait_the_events_of_such_an_id_wait() -> Outcome {
    let scene = Scene::new()
        .await?
        .set("FETCHER_NAMES__UNRESOLVED_AFTER", "1s")
        .set("FETCHER_NAMES__UNRESOLVED", "wait");
    let service = scene.start().await?;
    let authors = users(&scene, 10);
    scene.vk.refuse_id(authors[3], 10);
    let before = scene.bus().await?.whole_position().await?["ts"].clone();
    all_write(&scene, &authors);
    service.says("VK gives no usable answer for this id").await?;
    let calls = scene.vk.stats().asked(USERS);
    scene.vk.until(|stats| stats.asked(USERS) > calls + 1).await;
    ensure!(scene.bus().await?.whole_position().await?["ts"] == before, "something left");
    scene.vk.mend_id(authors[3]);
    scene.all_arrived().await?;
    stop(service).await
}

/// The whole answer of one method after the other is unusable.
#[tokio::test]
async fn answers_of_another_shape_are_transient_errors() -> Outcome {
    let scene = Scene::new().await?;
    for method in [USERS, COMMUNITIES, CHATS] {
        scene.vk.inject(method, Fault::Failed(7), 2);
    }
    let service = scene.start().await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    stop(service).await
}
