//! Polls return nothing although VK's queue moves on.

use std::net::TcpListener;

use anyhow::ensure;
use harness::Service;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use vk_simulator::{Fault, Stats, Target};

use super::common::{Outcome, Scene, contains, stop};

const SERVERS: &str = "groups.getLongPollServer";

/// A service whose session is checked soon, and has just begun.
async fn begin(scene: &Scene) -> anyhow::Result<Service> {
    let service = scene.spawn()?;
    scene.vk.until(|stats| stats.calls.get(SERVERS) == Some(&1)).await;
    Ok(service)
}

async fn scene() -> anyhow::Result<Scene> {
    Ok(Scene::new().await?.set("FETCHER_VK__SESSION_CHECK", "1s"))
}

/// What `/readyz` answers.
async fn readiness(address: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_silent_session_is_replaced_and_nothing_is_lost() -> Outcome {
    let scene = scene().await?;
    let service = begin(&scene).await?;
    scene.vk.silence_sessions();
    scene.vk.generate(50);
    service.says("this Long Poll session may be silent").await?;
    scene.all_arrived().await?;
    ensure!(scene.bus().await?.position("gaps").await?.is_none());
    ensure!(scene.vk.stats().calls[SERVERS] == 2, "{:?}", scene.vk.stats());
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(service).await
}

/// The ts of a quiet community may count updates that VK does not send: no alarm for that.
#[tokio::test]
async fn where_a_new_session_is_silent_too_the_log_says_so_and_nothing_is_lost() -> Outcome {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let scene = scene().await?.set("FETCHER_HTTP__LISTEN", &*address);
    let service = begin(&scene).await?;
    scene.vk.set_silence(true);
    scene.vk.generate(5);
    service.says("this Long Poll session may be silent").await?;
    let polls = |stats: &Stats| stats.polls.values().sum::<u64>();
    let before = polls(&scene.vk.stats());
    scene.vk.until(|stats| polls(stats) > before + 1).await;
    contains(&readiness(&address).await?, "Events flow")?;
    ensure!(!service.output().contains("poll failed"), "{}", service.output());
    scene.vk.set_silence(false);
    scene.all_arrived().await?;
    ensure!(scene.bus().await?.position("gaps").await?.is_none());
    stop(service).await
}

/// VK begins its queue anew, and does not answer with `failed` 3.
#[tokio::test]
async fn a_position_ahead_of_vks_queue_is_a_gap() -> Outcome {
    let scene = scene().await?;
    let service = begin(&scene).await?;
    scene.vk.generate(10);
    scene.all_arrived().await?;
    let before = scene.vk.ts();
    scene.vk.rewind_queue(5);
    service.says("the position lies ahead of VK's queue").await?;
    ensure!(scene.bus().await?.position("ts").await? == Some(before), "moved too early");
    let line = service.says("VK lost updates").await?;
    contains(&line, "ERROR")?;
    scene.settled().await?;
    ensure!(scene.bus().await?.position("gaps").await? == Some(1));
    scene.vk.generate(50);
    scene.all_arrived().await?;
    ensure!(!service.output().contains("poll failed"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn keys_that_are_never_good_are_a_failure_of_long_poll_and_no_stall() -> Outcome {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let scene = Scene::new().await?.set("FETCHER_HTTP__LISTEN", &*address);
    let service = begin(&scene).await?;
    scene.vk.inject(Target::Poll, Fault::Failed(2), u32::MAX);
    scene.vk.until(|stats| stats.calls[SERVERS] >= 4).await;
    contains(&readiness(&address).await?, "Fault: long_poll (error)")?;
    ensure!(!service.output().contains("a bug in this service"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn a_check_that_fails_does_not_affect_polling() -> Outcome {
    for fault in [Fault::Error(10), Fault::Error(100), Fault::Stall(None)] {
        let scene = scene().await?;
        let service = begin(&scene).await?;
        scene.vk.inject(SERVERS, fault.clone(), 1);
        let name = fault.to_string();
        scene.vk.until(|stats| stats.faults.contains_key(&name)).await;
        scene.vk.generate(50);
        scene.all_arrived().await?;
        ensure!(!service.output().contains("poll failed"), "{}", service.output());
        stop(service).await?;
    }
    Ok(())
}
