//! `check`

use std::time::Duration;

use tempfile::tempdir;
use vk_simulator::{Fault, Simulator};

use super::{
    streams,
    support::{Ended, GROUP_ID, TOKEN, event_fetcher, run, vk, with_vk},
};

async fn check_online(vk: &Simulator, token: &str, variables: &[(&str, &str)]) -> Ended {
    let dir = tempdir().unwrap();
    let mut command = event_fetcher(dir.path(), &["check", "--online"]);
    with_vk(&mut command, vk, token);
    command.envs(variables.iter().copied());
    let ended = run(command, "").await;
    for (stream, text) in [("output", &ended.out), ("errors", &ended.err)] {
        assert!(!text.contains(token), "a token in the {stream}: {text}");
    }
    ended
}

/// The lines of a finding that has `part` in it, and of its cure.
fn finding<'a>(ended: &'a Ended, part: &str) -> (&'a str, &'a str) {
    let mut lines = ended.out.lines().skip_while(|line| !line.contains(part));
    (lines.next().expect(part), lines.next().unwrap_or_default())
}

#[tokio::test]
async fn every_setting_is_shown_with_its_source_and_no_secret() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("Fetcher.toml"), "[vk]\nwait = \"30s\"\n").unwrap();
    let mut command = event_fetcher(dir.path(), &["check"]);
    command
        .env("GROUPID", GROUP_ID)
        .env("TOKEN", TOKEN)
        .env("FETCHER_BUS__URL", "redis://fetcher:hunter2@localhost/3")
        .env("FETCHER_CONVERTER__REPLY_AUTHOR", "true");
    let ended = run(command, "").await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let row = |key: &str| -> Vec<&str> {
        let line = ended.out.lines().find(|line| line.split(' ').next() == Some(key));
        line.expect(key).split("  ").map(str::trim).filter(|it| !it.is_empty()).collect()
    };
    assert_eq!(row("vk.group_id"), ["vk.group_id", GROUP_ID, "environment variable GROUPID"]);
    assert_eq!(row("vk.token"), ["vk.token", "***", "environment variable TOKEN"]);
    assert_eq!(row("vk.wait"), ["vk.wait", "30s", "Fetcher.toml, line 2"]);
    assert_eq!(row("vk.lang"), ["vk.lang", "ru", "default"]);
    assert_eq!(row("bus.url")[1], "redis://fetcher:***@localhost/3");
    assert_eq!(row("converter.reply_author")[1], "true");
    assert!(ended.out.ends_with("\nThe configuration is valid.\n"), "{}", ended.out);
    assert!(!ended.out.contains("hunter2") && !ended.out.contains(TOKEN), "{}", ended.out);
}

#[tokio::test]
async fn three_mistakes_are_told_at_once() {
    let dir = tempdir().unwrap();
    let mut command = event_fetcher(dir.path(), &["check"]);
    command
        .env("GROUPID", "-5")
        .env("TOKEN", TOKEN)
        .env("FETCHER_VK__WAIT", "2h")
        .env("FETCHER_BUS__NAMESPCE", "kettle");
    let ended = run(command, "").await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""));
    for part in ["3 mistakes", "vk.group_id", "vk.wait", "did you mean FETCHER_BUS__NAMESPACE"] {
        assert!(ended.err.contains(part), "{part} is not in {}", ended.err);
    }
    assert!(!ended.err.contains(TOKEN), "{}", ended.err);
}

#[tokio::test]
async fn all_well_at_vk_and_redis_is_all_ok() {
    let (vk, redis) = (vk().await, streams::redis(&["--appendonly", "yes"]).await);
    let ended = check_online(&vk, TOKEN, &[("FETCHER_BUS__URL", &redis.url())]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.out.contains("warning") && !ended.out.contains("problem"), "{}", ended.out);
    assert!(finding(&ended, "the token works").0.contains("messages"), "{}", ended.out);
    for part in ["Long Poll server", "Long Poll is on", "message_new is on", "appendonly is on"] {
        assert!(finding(&ended, part).0.starts_with("  ok "), "{}", ended.out);
    }
}

#[tokio::test]
async fn what_may_get_lost_is_a_warning_with_its_cure() {
    let vk = vk().await;
    vk.set_event_enabled("message_event", false);
    let redis = streams::redis(&["--maxmemory-policy", "allkeys-lru"]).await;
    let variables = [("FETCHER_BUS__URL", &*redis.url()), ("FETCHER_VK__API_VERSION", "5.200")];
    let ended = check_online(&vk, TOKEN, &variables).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (what, cure) in [
        ("message_event is off", "switch it on"),
        ("version 5.199, while vk.api_version is 5.200", "choose 5.200"),
        ("appendonly is off", "appendonly yes"),
        ("maxmemory-policy is allkeys-lru", "noeviction"),
    ] {
        let (finding, told) = finding(&ended, what);
        assert!(finding.starts_with("  warning "), "{}", ended.out);
        assert!(told.contains(cure), "{}", ended.out);
    }
    assert_eq!(ended.out.matches("warning").count(), 4, "{}", ended.out);
}

#[tokio::test]
async fn what_bus_durability_waits_for_has_to_be_there() {
    let vk = vk().await;
    let redis = streams::redis(&[]).await;
    let url = redis.url();
    let with =
        |durability| [("FETCHER_BUS__URL", url.as_str()), ("FETCHER_BUS__DURABILITY", durability)];
    for (durability, what, cure) in [
        ("aof", "appendonly is off: with bus.durability", "appendonly yes"),
        ("replicas=1", "0 replicas are online, and bus.durability waits for 1", "INFO replication"),
    ] {
        let ended = check_online(&vk, TOKEN, &with(durability)).await;
        assert_eq!(ended.code, Some(69), "{ended:?}");
        let (finding, told) = finding(&ended, what);
        assert!(finding.starts_with("  problem ") && told.contains(cure), "{}", ended.out);
    }

    let port = redis.port().to_string();
    let _replica = streams::redis(&["--replicaof", "127.0.0.1", &port]).await;
    let mut connection = redis.connect().await.unwrap();
    let _: u32 = redis::cmd("WAIT").arg(1).arg(0).query_async(&mut connection).await.unwrap();
    // An instance that fetches with the same token uses up VK's limit on calls.
    vk.inject("api", Fault::Error(6), 2);
    let ended = check_online(&vk, TOKEN, &with("replicas=1")).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(finding(&ended, "1 replicas are online").0.starts_with("  ok "), "{}", ended.out);
}

#[tokio::test]
async fn an_api_url_without_its_path_is_a_problem_that_names_it() {
    let vk = vk().await;
    let root = vk.api_url().replace("/method/", "/");
    let variables = [("FETCHER_BUS__URL", "stdout:"), ("FETCHER_VK__API_URL", &root)];
    let ended = check_online(&vk, TOKEN, &variables).await;
    assert_eq!(ended.code, Some(69), "{ended:?}");
    let (finding, _) = finding(&ended, "404");
    assert!(finding.contains("ends in /method/, as in https://api.vk.ru/method/"), "{finding}");
}

#[tokio::test]
async fn a_wrong_token_is_a_problem_that_says_what_to_do() {
    let ended =
        check_online(&vk().await, "vk1.a.another-token", &[("FETCHER_BUS__URL", "stdout:")]).await;
    assert_eq!(ended.code, Some(69), "{ended:?}");
    let (finding, _) = finding(&ended, "error 5");
    assert!(finding.starts_with("  problem ") && finding.contains("make a new one"), "{finding}");
    assert!(ended.out.contains("no Redis to check"), "{}", ended.out);
}

#[tokio::test]
async fn what_the_community_does_not_allow_is_a_problem() {
    let vk = vk().await;
    vk.set_rights(&["messages"]);
    vk.set_long_poll_enabled(false);
    let bus = [("FETCHER_BUS__URL", "stdout:")];
    let without_right = check_online(&vk, TOKEN, &bus).await;
    assert_eq!(without_right.code, Some(69));
    let (problem, cure) = finding(&without_right, "lacks the right `manage`");
    assert!(problem.starts_with("  problem ") && cure.contains("make a new token"), "{cure}");

    vk.set_rights(&["messages", "manage"]);
    let switched_off = check_online(&vk, TOKEN, &bus).await;
    assert_eq!(switched_off.code, Some(69));
    assert!(finding(&switched_off, "Long Poll is off").1.contains("switch it on"));
}

#[tokio::test]
async fn a_vk_and_a_redis_that_do_not_answer_are_not_waited_for() {
    let vk = vk().await;
    vk.inject("api", Fault::Stall(None), 100);
    let variables =
        [("FETCHER_VK__TIMEOUT", "1s"), ("FETCHER_BUS__URL", "unix:/nowhere/redis.sock")];
    let begun = std::time::Instant::now();
    let ended = check_online(&vk, TOKEN, &variables).await;
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(finding(&ended, "no usable answer").1.contains("vk.api_url"), "{}", ended.out);
    assert!(finding(&ended, "cannot be used").1.contains("bus.url"), "{}", ended.out);
}

#[tokio::test]
async fn a_wrong_password_is_a_problem_and_stays_secret() {
    let redis = streams::redis(&["--requirepass", "right-password"]).await;
    let vk = vk().await;
    let url = redis.url();
    let wrong = [("FETCHER_BUS__URL", url.as_str()), ("REDIS_PASSWORD", "wrong-password")];
    for variables in [&wrong[..], &wrong[..1]] {
        let ended = check_online(&vk, TOKEN, variables).await;
        assert_eq!(ended.code, Some(69), "{ended:?}");
        assert!(finding(&ended, "Redis refuses").0.contains("REDIS_PASSWORD"), "{}", ended.out);
        assert!(!ended.out.contains("wrong-password"), "{}", ended.out);
    }
    let right = [("FETCHER_BUS__URL", url.as_str()), ("REDIS_PASSWORD", "right-password")];
    let ended = check_online(&vk, TOKEN, &right).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
