//! What keeps failing is told now and then, and its end with what it came to.

use vk_simulator::{Fault, Target};

use super::scene::{PROGRAM, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_long_outage_of_vk_takes_few_lines_and_its_end_says_how_long_it_was() {
    let scene = Scene::new().await;
    let service = scene.start(&[PROGRAM], &[("FETCHER_LOG__FORMAT", "text")]).await;
    scene.vk.inject(Target::Poll, Fault::Status(502), 3);
    scene.vk.inject("users.get", Fault::Error(10), 3);
    scene.say("Hi!").await;
    let over = service.says("Long Poll answers again").await.unwrap();
    let failures: usize =
        over.split("after ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!((failures, service.output().matches("poll failed").count()), (3, 2), "{over}");
    let over = service.says("names can be looked up again").await.unwrap();
    assert!(over.contains("after 3 failures in ") && over.contains("users.get"), "{over}");
    assert_eq!(service.output().matches("names cannot be looked up now").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_away_is_told_once_it_is_back() {
    let mut scene = Scene::new().await;
    let service = scene
        .start(&[PROGRAM], &[("FETCHER_LOG__FORMAT", "text"), ("FETCHER_BUS__LEASE", "2s")])
        .await;
    scene.redis.kill().await.unwrap();
    service.says("WARN Redis does not serve").await.unwrap();
    let second = service.says("failures=2").await.unwrap();
    assert!(second.contains(r#"error="Connection refused" failures=2"#), "{second}");
    scene.redis.start_again().await.unwrap();
    let over = service.says("again, after ").await.unwrap();
    assert!(over.contains("INFO Redis serves"), "{over}");
    let output = service.output();
    for unwelcome in ["os error", "Some(", "Position {"] {
        assert!(!output.contains(unwelcome), "{unwelcome}: {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_about_servers_that_vk_did_not_name() {
    let scene = Scene::new().await;
    let service = scene.start(&[PROGRAM], &[("FETCHER_LOG__FORMAT", "text")]).await;
    scene.vk.inject("groups.getLongPollServer", Fault::Error(10), 5);
    scene.vk.inject(Target::Poll, Fault::Failed(2), 1);
    service.says("VK's Long Poll answers again, after 5 failures").await.unwrap();
    let output = service.output();
    assert!(output.contains("VK named no Long Poll server; trying again"), "{output}");
    assert!(!output.contains("servers that VK names"), "{output}");
}
