//! Answers of VK's API: events wait, are delivered without a name, or the service stops and says why.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use vk_simulator::{Fault, HiddenChats, Options};

use super::common::{AUTHOR, CHAT, Outcome, Scene, contains, ends_with, message, stop};

const SERVERS: &str = "groups.getLongPollServer";
const USERS: &str = "users.get";
const COMMUNITIES: &str = "groups.getById";
const MESSAGES: &str = "messages.getByConversationMessageId";
const CHATS: &str = "messages.getConversationsById";

/// Every method fails with `fault` a few times; everything arrives.
async fn survives(fault: Fault, times: u32) -> Outcome {
    let scene = Scene::new().await?;
    for method in [SERVERS, USERS, COMMUNITIES, CHATS, MESSAGES] {
        scene.vk.inject(method, fault.clone(), times);
    }
    let service = scene.start().await?;
    scene.vk.generate(300);
    scene.all_arrived().await?;
    ensure!(scene.vk.stats().faults[&fault.to_string()] == u64::from(5 * times));
    stop(service).await
}
#[tokio::test]
async fn error_6_is_waited_out() -> Outcome {
    survives(Fault::Error(6), 1).await
}
#[tokio::test]
async fn error_10_of_every_method_is_a_transient_error() -> Outcome {
    survives(Fault::Error(10), 2).await
}

#[tokio::test]
async fn error_1_is_a_transient_error() -> Outcome {
    survives(Fault::Error(1), 1).await
}
#[tokio::test]
async fn http_errors_are_transient_errors() -> Outcome {
    survives(Fault::Status(503), 1).await
}
#[tokio::test]
async fn empty_answers_are_transient_errors() -> Outcome {
    survives(Fault::Empty, 1).await
}

#[tokio::test]
async fn answers_cut_off_are_transient_errors() -> Outcome {
    survives(Fault::CutText, 1).await?;
    survives(Fault::CutConnection, 1).await
}

/// A kept-alive connection is dead when it is reused.
#[tokio::test]
async fn connections_cut_by_the_api_are_reestablished() -> Outcome {
    survives(Fault::ResetBefore, 1).await?;
    survives(Fault::ResetAfter, 1).await
}

/// VK rejects the whole list because of one id: the list is bisected until only that id has no name.
#[tokio::test]
async fn one_bad_id_costs_no_other_its_name() -> Outcome {
    for code in [100, 113] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        let (bad, good): (i64, Vec<i64>) = {
            let world = scene.vk.world();
            let mut users = world.users.keys().copied().take(20);
            (users.next().unwrap_or(1), users.collect())
        };
        scene.vk.refuse_id(bad, code);
        // All at once, so that one call looks all of them up.
        let updates: Vec<_> = (1..)
            .zip(good.iter().chain([&bad]))
            .map(|(number, from)| message(number, json!({"from_id": from})))
            .collect();
        scene.vk.push_all(&updates);
        let bus = scene.settled().await?;
        let events = bus.events("{toaster}:message").await?;
        ensure!(events.len() == updates.len(), "{} events", events.len());
        let world = scene.vk.world();
        for event in events {
            let id = event["user"]["uuid"].as_i64().unwrap_or_default();
            let user = &world.users[&id];
            let name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
            let (name, nick) = if id == bad {
                (String::new(), format!("id{bad}"))
            } else {
                (name, user.domain.clone().unwrap_or_else(|| format!("id{id}")))
            };
            ensure!(event["user"]["name"] == name && event["user"]["nick"] == nick, "{event}");
        }
        stop(service).await?;
    }
    Ok(())
}
#[tokio::test]
async fn a_chat_without_rights_has_no_name_and_its_neighbours_have() -> Outcome {
    for how in [HiddenChats::LeftOut, HiddenChats::FailTheCall] {
        let scene = Scene::new().await?;
        scene.vk.set_hidden_chats(how);
        let service = scene.start().await?;
        let hidden: Vec<_> =
            scene.vk.world().chats.values().filter(|it| it.hidden).map(|it| it.peer_id).collect();
        ensure!(!hidden.is_empty(), "a world without hidden chats");
        scene.vk.generate(300);
        scene.push_message(json!({"peer_id": hidden[0], "conversation_message_id": 1_000_000}));
        scene.all_arrived().await?;
        let last = scene.bus().await?.events("{toaster}:message").await?.pop().unwrap_or_default();
        ensure!(last["peer"]["bpid"] == hidden[0] && last["peer"]["name"] == "", "{last}");
        stop(service).await?;
    }
    Ok(())
}
#[tokio::test]
async fn authors_and_peers_of_every_kind_are_named() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let world = scene.vk.world();
    let gone = world.users.values().find(|it| it.deactivated.is_some()).map_or(0, |it| it.id);
    let community = world.communities.keys().copied().find(|it| *it != world.group_id).unwrap_or(0);
    for (from, peer) in [
        (999_999_999, CHAT),
        (gone, CHAT),
        (gone, gone),
        (-community, CHAT),
        (-community, -community),
        (-world.group_id, CHAT),
        (AUTHOR, AUTHOR),
        (AUTHOR, 2_000_777_777),
        (-31_999_999, CHAT),
        (-2_000_000_005, CHAT),
    ] {
        scene.push_message(json!({"from_id": from, "peer_id": peer}));
    }
    scene.all_arrived().await?;
    let events = scene.bus().await?.events("{toaster}:message").await?;
    let unknown = json!({"uuid": 999_999_999, "name": "", "firstname": "", "lastname": "", "nick": "id999999999"});
    ensure!(events[0]["user"] == unknown, "{}", events[0]);
    let own = &events[5]["user"];
    ensure!(own["firstname"] == "Своё сообщество" && own["lastname"] == "", "{own}");
    ensure!(events[6]["peer"] == json!({"bpid": AUTHOR, "cid": 0, "name": "Руслан Башинский"}));
    stop(service).await
}

/// The start fails with a permanent error; the message says what to do.
async fn fails_to_start(scene: Scene, advice: &[&str]) -> Outcome {
    let output = ends_with(scene.spawn()?, 69).await?;
    advice.iter().try_for_each(|advice| contains(&output, advice))?;
    ensure!(scene.vk.stats().calls[SERVERS] == 1, "asked again all the same");
    Ok(())
}

#[tokio::test]
async fn a_wrong_token_ends_the_start_and_says_what_to_do() -> Outcome {
    let scene = Scene::new().await?.set("TOKEN", "vk1.a.another-token");
    fails_to_start(scene, &["error 5", "TOKEN_FILE", "community's settings"]).await
}
#[tokio::test]
async fn long_poll_switched_off_ends_the_start_and_says_where_to_switch_it_on() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.set_long_poll_enabled(false);
    fails_to_start(scene, &["error 100", "Long Poll", "switch it on"]).await
}
#[tokio::test]
async fn a_token_without_the_right_ends_the_start_and_says_which_is_needed() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.set_rights(&["messages"]);
    fails_to_start(scene, &["error 15", "community management"]).await
}

#[tokio::test]
async fn a_token_revoked_later_stops_the_service_and_no_guess_is_committed() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let token = Options::default().token;
    scene.vk.revoke_token(&token);
    let before = scene.bus().await?.whole_position().await?["ts"].clone();
    scene.say("Hi!");
    let output = ends_with(service, 69).await?;
    contains(&output, "TOKEN_FILE")?;
    ensure!(scene.bus().await?.whole_position().await?["ts"] == before);
    // With a valid token the event arrives.
    scene.vk.accept_token(&token);
    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

/// Errors 9 and 29 throttle a method for a minute or more: the service says so, can be stopped
/// meanwhile, and delivers everything after the next start.
#[tokio::test]
async fn a_pause_that_vk_asks_for_is_announced_and_does_not_hold_up_a_stop() -> Outcome {
    for code in [9, 29] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        scene.vk.inject(USERS, Fault::Error(code), 1);
        scene.vk.generate(50);
        service.says("VK throttles this method").await?;
        stop(service).await?;
        ensure!(scene.vk.stats().asked(USERS) == 1, "asked again during the pause");
        let service = scene.start().await?;
        scene.all_arrived().await?;
        stop(service).await?;
    }
    Ok(())
}

/// A call that is not answered is retried after `vk.timeout`.
#[tokio::test]
async fn a_call_that_hangs_is_retried() -> Outcome {
    let scene = Scene::with(Options { users: 50, ..Options::default() }).await?;
    let scene = scene.set("FETCHER_VK__TIMEOUT", "1s");
    for method in [SERVERS, USERS, CHATS] {
        scene.vk.inject(method, Fault::Stall(None), 1);
    }
    scene.vk.inject(COMMUNITIES, Fault::Stall(Some(Duration::from_millis(200))), 1);
    let service = scene.start().await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    stop(service).await
}
