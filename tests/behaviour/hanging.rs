//! API methods that never answer: work that does not need them continues, and health reports them.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use vk_simulator::{CHAT_BASE, Fault};

use super::common::{CHAT, Outcome, Scene, message, stop};

const USERS: &str = "users.get";
const MESSAGES: &str = "messages.getByConversationMessageId";
const EXECUTE: &str = "execute";

/// The body of `/readyz`.
async fn ready(port: u16) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request =
        format!("GET /readyz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Waits until `/readyz` contains this.
async fn says_ready(port: u16, text: &str) -> anyhow::Result<String> {
    loop {
        let answer = ready(port).await?;
        if answer.contains(text) {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn cropped_messages_that_vk_never_completes_are_delivered_as_they_came() -> Outcome {
    let port = harness::free_port()?;
    let scene = Scene::new().await?.set("FETCHER_HTTP__LISTEN", format!("127.0.0.1:{port}"));
    let service = scene.start().await?;
    for method in [EXECUTE, MESSAGES] {
        scene.vk.inject(method, Fault::Stall(None), u32::MAX);
    }
    let cropped = |number: u64, chat: i64| {
        let fields = json!({"peer_id": CHAT_BASE + chat, "text": "to the", "is_cropped": true});
        message(number, fields)
    };
    let first = scene.vk.ts() + 1;
    scene.vk.push_all(&[cropped(first, 1), cropped(first + 1, 2)]);
    scene.vk.generate(500);
    says_ready(port, "Fault: messages (unreachable)").await?;
    let bus = scene.settled().await?;
    let events = bus.events("{toaster}:message").await?;
    ensure!(events.iter().take(2).all(|event| event["message"]["text"] == "to the"), "{events:?}");
    service.says("VK does not complete cropped messages").await?;
    ensure!(bus.position("epoch").await? == Some(1), "fetching began again");
    // What is not asked for any more is no trouble.
    says_ready(port, "ready: fetching\nEvents flow.").await?;
    scene.vk.clear_faults(EXECUTE);
    scene.vk.clear_faults(MESSAGES);
    stop(service).await
}

/// One batch waits for its deadline; those after it do not, and once VK answers again, messages are complete.
#[tokio::test]
async fn while_cropped_messages_are_never_answered_only_the_first_batch_waits() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    for method in [EXECUTE, MESSAGES] {
        scene.vk.inject(method, Fault::Stall(None), u32::MAX);
    }
    let push = || -> anyhow::Result<()> {
        let number = scene.vk.ts() + 1;
        let complete = message(number, json!({"text": "to the end"}))["object"]["message"].take();
        scene.vk.add_message(CHAT, i64::try_from(number)?, complete);
        scene.push_message(json!({"text": "to the", "is_cropped": true}));
        Ok(())
    };
    let started = Instant::now();
    push()?;
    scene.settled().await?;
    let first = started.elapsed();
    let started = Instant::now();
    for _ in 0..3 {
        push()?;
        scene.settled().await?;
    }
    let others = started.elapsed();
    ensure!(others < first, "the first waited {first:?}, three others {others:?}");
    scene.vk.clear_faults(EXECUTE);
    scene.vk.clear_faults(MESSAGES);
    loop {
        push()?;
        let bus = scene.settled().await?;
        let event = bus.events("{toaster}:message").await?.pop().unwrap_or_default();
        if event["message"]["text"] == "to the end" {
            return stop(service).await;
        }
    }
}

/// One call takes longer than the term after which work counts as stalled.
#[tokio::test]
async fn events_wait_for_names_that_vk_never_returns_and_the_method_is_reported() -> Outcome {
    let port = harness::free_port()?;
    let scene = Scene::new()
        .await?
        .set("FETCHER_HTTP__LISTEN", format!("127.0.0.1:{port}"))
        .set("FETCHER_VK__TIMEOUT", "32s");
    let service = scene.start().await?;
    // Within an `execute`, and by itself.
    scene.vk.inject(USERS, Fault::Stall(None), 2);
    let before = scene.bus().await?.whole_position().await?["ts"].clone();
    scene.say("Hi!");
    let answer = says_ready(port, "Failing for 28 s: no answer to users.get").await?;
    ensure!(answer.contains("Fault: users (unreachable)"), "{answer}");
    ensure!(!answer.contains("long_poll"), "{answer}");
    ensure!(scene.bus().await?.whole_position().await?["ts"] == before, "something left");
    scene.all_arrived().await?;
    ensure!(scene.bus().await?.position("epoch").await? == Some(1), "fetching began again");
    ensure!(!service.output().contains("bug in this service"));
    stop(service).await
}
