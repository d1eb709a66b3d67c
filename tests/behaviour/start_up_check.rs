//! The service looks at VK's and Redis' settings when it begins to fetch, and says what it finds.

use std::time::Duration;

use anyhow::ensure;
use vk_simulator::Fault;

use crate::common::{Outcome, Scene, contains, stop};

const RIGHTS: &str = "groups.getTokenPermissions";
const SETTINGS: &str = "groups.getLongPollSettings";

#[tokio::test]
async fn what_may_get_lost_is_in_the_log_with_its_remediation() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.set_event_enabled("message_event", false);
    let service = scene.start().await?;
    let vk = service.says("message_event is off").await?;
    let redis = service.says("appendonly is off").await?;
    for (finding, remediation) in [(vk, "switch it on"), (redis, "appendonly yes")] {
        contains(&finding, "WARN preflight check")?;
        contains(&finding, remediation)?;
    }
    let output = service.output();
    ensure!(output.matches("WARN").count() == 2, "{output}");
    let well = service.says("preflight check of VK, ok").await?;
    for part in ["the token works; its rights", "Long Poll is on", "message_new is on"] {
        contains(&well, part)?;
    }
    let calls = scene.vk.stats().calls;
    ensure!((calls[RIGHTS], calls[SETTINGS]) == (1, 1), "{calls:?}");
    stop(service).await
}

#[tokio::test]
async fn fetching_does_not_wait_for_it() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.inject(RIGHTS, Fault::Stall(None), 100);
    let service = scene.start().await?;
    scene.vk.until(|stats| stats.faults.contains_key("stall")).await;
    scene.say("Hi!");
    scene.all_arrived().await?;
    ensure!(!service.output().contains("preflight check of VK"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn what_redis_may_not_tell_is_unknown_and_no_warning() -> Outcome {
    let scene = Scene::new().await?;
    let mut redis = scene.connect().await?;
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("fetcher").arg("on").arg("nopass");
    user.arg(&["~*", "&*", "+@all", "-info"]);
    let () = user.query_async(&mut redis).await?;
    let url = format!("redis://fetcher@127.0.0.1:{}", scene.redis.port());
    let scene = scene.set("FETCHER_BUS__URL", url).set("REDIS_PASSWORD", "any");
    let service = scene.start().await?;
    let finding = service.says("does not report its version").await?;
    contains(&finding, "INFO")?;
    contains(&finding, "+info")?;
    scene.say("Hi!");
    scene.all_arrived().await?;
    ensure!(!service.output().contains("WARN"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn a_standby_shows_its_token_and_asks_vk_nothing_else_until_it_fetches() -> Outcome {
    let scene = Scene::new().await?;
    let mut first = scene.start().await?;
    first.says("preflight check of Redis").await?;
    let before = scene.vk.stats().calls;
    let standby = scene.spawn()?;
    scene.vk.until(|stats| stats.calls[RIGHTS] == before[RIGHTS] + 1).await;
    // Far longer than it takes to begin.
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(!standby.output().contains("preflight check"), "{}", standby.output());
    let mut calls = scene.vk.stats().calls;
    *calls.entry(RIGHTS.into()).or_default() -= 1;
    ensure!(calls == before, "{calls:?}, before {before:?}");
    first.stop().await?;
    standby.says("preflight check of VK").await?;
    stop(standby).await
}
