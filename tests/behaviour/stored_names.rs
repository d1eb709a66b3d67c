//! Names kept in Redis outlive the process.

use anyhow::ensure;
use redis::AsyncCommands;
use serde_json::json;

use super::common::{AUTHOR, CHAT, Outcome, Scene, stop};

const USERS: &str = "users.get";
const CHATS: &str = "messages.getConversationsById";
const KEY: &str = "{toaster}:names:218730916:ru";

/// A name is known to the first process and stored.
async fn after_a_first_run(scene: &Scene) -> Outcome {
    let service = scene.start().await?;
    scene.say("Hi!");
    scene.settled().await?;
    stop(service).await
}

#[tokio::test]
async fn a_restart_begins_with_the_names_that_were_known() -> Outcome {
    let scene = Scene::new().await?;
    after_a_first_run(&scene).await?;
    let service = scene.start().await?;
    scene.say("Hello!");
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!((stats.asked(USERS), stats.asked(CHATS)) == (1, 1), "{stats:?}");
    let ttl: i64 = scene.connect().await?.ttl(KEY).await?;
    ensure!((1..=7 * 24 * 3600).contains(&ttl), "{ttl}");
    stop(service).await
}

#[tokio::test]
async fn with_persist_off_no_name_is_stored_or_read() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_NAMES__PERSIST", "false");
    after_a_first_run(&scene).await?;
    ensure!(!scene.connect().await?.exists::<_, bool>(KEY).await?);
    let service = scene.start().await?;
    scene.say("Hello!");
    scene.all_arrived().await?;
    ensure!(scene.vk.stats().asked(USERS) == 2);
    stop(service).await
}

/// What is no name, is too old or is of another language is not used, and costs nothing else.
#[tokio::test]
async fn foreign_content_is_ignored() -> Outcome {
    let scene = Scene::new().await?;
    let mut redis = scene.connect().await?;
    let author = format!("user:{AUTHOR}");
    let names = r#"["Чужое","Имя",null]"#;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    for value in ["", "x", "1", &format!("{now}"), &format!("{now} {{"), &format!("1 {names}")] {
        let fields = [(author.as_str(), value), ("user:x", names), ("", ""), ("lang", "ru")];
        let () = redis.hset_multiple(KEY, &fields).await?;
        let () = redis.hset("{toaster}:names:218730916:en", &author, names).await?;
        after_a_first_run(&scene).await?;
        scene.all_arrived().await?;
        let () = redis.del(KEY).await?;
    }
    // A key of another type stops nothing either.
    let () = redis.set(KEY, "foreign").await?;
    let service = scene.start().await?;
    scene.say("Hello!");
    scene.all_arrived().await?;
    service.says("no names can be read from Redis").await?;
    stop(service).await
}

#[tokio::test]
async fn a_user_can_be_forgotten() -> Outcome {
    let scene = Scene::new().await?;
    after_a_first_run(&scene).await?;
    let mut forget = scene.spawn_with(&["names", "forget", &AUTHOR.to_string()])?;
    ensure!(forget.ends().await?.success(), "{}", forget.output());
    ensure!(forget.stdout() == ["1 names deleted"], "{}", forget.output());
    let names: std::collections::BTreeMap<String, String> =
        scene.connect().await?.hgetall(KEY).await?;
    ensure!(!names.contains_key(&format!("user:{AUTHOR}")), "{names:?}");
    ensure!(names.contains_key(&format!("chat:{CHAT}")), "{names:?}");
    let service = scene.start().await?;
    scene.push_message(json!({"text": "Hello!"}));
    scene.all_arrived().await?;
    let stats = scene.vk.stats();
    ensure!((stats.asked(USERS), stats.asked(CHATS)) == (2, 1), "{stats:?}");
    stop(service).await
}
