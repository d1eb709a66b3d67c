//! Token, Long Poll keys and passwords are in no output.

use anyhow::{Context, ensure};
use harness::{RedisServer, Service};
use vk_simulator::{Fault, Options, Target};

use super::common::{Outcome, Scene, contains, ends_with, stop};

const PASSWORD: &str = "kettle-password-Zq7";

/// Neither the service's output nor its command line contains a secret or a useful part of one.
fn leaks_no_secret(scene: &Scene, service: &Service, cmdline: &str) -> Outcome {
    let output = service.output();
    ensure!(output.contains("TRACE"), "the log is not as talkative as it can be");
    let mut secrets = vec![Options::default().token, PASSWORD.to_owned()];
    for key in scene.vk.keys() {
        // Its signature, whole and in part: the rest may be URL-encoded.
        let signature = key.rsplit('.').next().context("a key without parts")?;
        secrets.push(signature.chars().skip(2).take(16).collect());
        secrets.push(signature.chars().skip(40).take(16).collect());
    }
    ensure!(secrets.len() >= 6, "too few keys: {}", secrets.len());
    for secret in secrets {
        for line in output.lines() {
            ensure!(!line.contains(&secret), "{secret} is in the log: {line}");
        }
        ensure!(!cmdline.contains(&secret), "{secret} is on the command line");
    }
    Ok(())
}

/// The command line and the environment of the service.
fn cmdline(service: &Service) -> anyhow::Result<String> {
    let pid = service.pid().context("the service has ended")?;
    Ok(std::fs::read_to_string(format!("/proc/{pid}/cmdline"))?)
}

#[tokio::test]
async fn no_secret_is_leaked_at_any_log_level_whatever_fails() -> Outcome {
    let redis = RedisServer::with_password(PASSWORD).await?;
    let mut scene = Scene::on(redis, Options::default())
        .await?
        .set("FETCHER_LOG__LEVEL", "trace")
        .set("FETCHER_VK__TIMEOUT", "1s")
        .set("REDIS_PASSWORD", PASSWORD);
    scene.vk.inject("groups.getLongPollServer", Fault::CutText, 1);
    scene.vk.inject("messages.getConversationsById", Fault::Stall(None), 1);
    let mut service = scene.start().await?;
    let called_with = cmdline(&service)?;
    let faults = [
        (Target::Poll, Fault::Failed(2)),
        (Target::Poll, Fault::Failed(4)),
        (Target::Poll, Fault::Error(10)),
        (Target::Poll, Fault::Html),
        (Target::Poll, Fault::CutText),
        (Target::Poll, Fault::CutConnection),
        (Target::Poll, Fault::ResetBefore),
        (Target::Poll, Fault::Huge(1 << 40)),
        ("users.get".into(), Fault::Error(13)),
        ("users.get".into(), Fault::Status(500)),
        ("users.get".into(), Fault::ResetAfter),
        ("messages.getConversationsById".into(), Fault::Error(917)),
        ("groups.getById".into(), Fault::Error(14)),
    ];
    for (target, fault) in faults {
        let name = fault.to_string();
        scene.vk.inject(target, fault, 1);
        // One for the held poll, one for the next.
        scene.vk.generate(30);
        scene.vk.until(|stats| stats.faults.contains_key(&name)).await;
        if name != "error-14" {
            scene.settled().await?;
        }
    }
    service.says("VK throttles this method").await?;
    scene.redis.kill().await?;
    service.says("Redis does not serve").await?;
    scene.redis.start_again().await?;
    service.stop().await?;
    leaks_no_secret(&scene, &service, &called_with)
}

#[tokio::test]
async fn a_password_in_the_address_is_not_leaked() -> Outcome {
    let redis = RedisServer::with_password(PASSWORD).await?;
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}/0", redis.port());
    let scene = Scene::on(redis, Options::default())
        .await?
        .set("FETCHER_LOG__LEVEL", "trace")
        .set("FETCHER_BUS__URL", url);
    let mut service = scene.start().await?;
    let called_with = cmdline(&service)?;
    for _ in 0..2 {
        scene.vk.expire_key();
        scene.vk.generate(100);
        scene.all_arrived().await?;
    }
    service.stop().await?;
    leaks_no_secret(&scene, &service, &called_with)
}

/// VK's error echoes the parameters of the call, the token included.
#[tokio::test]
async fn a_rejected_token_is_not_leaked() -> Outcome {
    let token = "vk1.a.refused-token-Zq7";
    let scene = Scene::new().await?.set("TOKEN", token).set("FETCHER_LOG__LEVEL", "trace");
    let output = ends_with(scene.spawn()?, 69).await?;
    ensure!(!output.contains(token), "{output}");
    contains(&output, "error 5")
}

#[tokio::test]
async fn a_token_from_a_file_works() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{}\n", Options::default().token))?;
    let scene = Scene::new().await?.unset("TOKEN").set("TOKEN_FILE", path.display().to_string());
    let service = scene.start().await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(service).await
}
