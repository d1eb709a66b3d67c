//! An instance is ready only once it has shown that it works.

use std::time::{Duration, Instant};

use anyhow::ensure;
use redis::AsyncCommands;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use vk_simulator::Fault;

use super::common::{Outcome, Scene, stop};

/// How long anything awaited may take: far beyond what it should.
const DEADLINE: Duration = Duration::from_secs(60);
const LEASE: &str = "{toaster}:lease:218730916";
const RIGHTS: &str = "groups.getTokenPermissions";

/// The body of `/readyz`; none while the port is not open.
async fn readyz(port: u16) -> anyhow::Result<Option<String>> {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return Ok(None) };
    let request =
        format!("GET /readyz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()))
}

/// Asks again and again until `/readyz` begins with this; `check` sees every answer.
async fn until(port: u16, start: &str, check: impl Fn(&str) -> bool) -> Outcome {
    let end = Instant::now() + DEADLINE;
    loop {
        ensure!(Instant::now() < end, "never {start}");
        if let Some(body) = readyz(port).await? {
            ensure!(check(&body), "{body}");
            if body.starts_with(start) {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A scene whose next service serves its health on the port.
async fn scene() -> anyhow::Result<(Scene, u16)> {
    let port = harness::free_port()?;
    Ok((Scene::new().await?.set("FETCHER_HTTP__LISTEN", format!("127.0.0.1:{port}")), port))
}

/// As after a deployment of an instance that cannot reach VK: it stands by for the lease of the instance before,
/// and takes it over.
#[tokio::test]
async fn an_instance_that_never_had_an_answer_of_vk_is_never_ready() -> Outcome {
    let (scene, port) = scene().await?;
    let first = scene.start().await?;
    stop(first).await?;
    let () = scene.connect().await?.pset_ex(LEASE, "the instance before", 2000).await?;
    let nowhere = format!("http://127.0.0.1:{}/method/", harness::free_port()?);
    let scene = scene.set("FETCHER_VK__API_URL", nowhere);
    let service = scene.spawn()?;
    let is_not_ready = |body: &str| body.starts_with("not ready: ");
    until(port, "not ready: standby\nThis instance cannot take over yet: ", is_not_ready).await?;
    until(port, "not ready: fetching\nThe service cannot start fetching yet: ", is_not_ready)
        .await?;
    until(port, "not ready: fetching\nEvents do not flow: ", is_not_ready).await?;
    stop(service).await
}

#[tokio::test]
async fn an_instance_is_ready_after_its_first_poll_although_nothing_arrives() -> Outcome {
    let (scene, port) = scene().await?;
    // Longer than the test may take: the first poll is short.
    let scene = scene.set("FETCHER_VK__WAIT", "90s");
    let service = scene.spawn()?;
    until(port, "ready: fetching", |_| true).await?;
    stop(service).await
}

/// As after a restart of a Redis without persistence.
#[tokio::test]
async fn a_position_that_redis_lost_is_stored_again_although_nothing_arrives() -> Outcome {
    let (scene, port) = scene().await?;
    let service = scene.start().await?;
    scene.vk.generate(10);
    scene.settled().await?;
    let () = redis::cmd("FLUSHALL").query_async(&mut scene.connect().await?).await?;
    scene.settled().await?;
    until(port, "ready: fetching", |_| true).await?;
    stop(service).await
}

#[tokio::test]
async fn a_standby_is_ready_once_vk_has_seen_its_token() -> Outcome {
    let (scene, port) = scene().await?;
    let scene = scene.set("FETCHER_HTTP__LISTEN", "");
    let first = scene.start().await?;
    first.says("preflight check of VK").await?;
    scene.vk.inject(RIGHTS, Fault::Error(10), 2);
    let scene = scene.set("FETCHER_HTTP__LISTEN", format!("127.0.0.1:{port}"));
    let standby = scene.spawn()?;
    until(port, "not ready: standby\nThis instance cannot take over yet: ", |_| true).await?;
    until(port, "ready: standby", |_| true).await?;
    standby.says("VK has not checked the token of this standby").await?;
    stop(standby).await?;

    let scene = scene.set("TOKEN", "vk1.a.another");
    let mut rejected = scene.spawn()?;
    rejected.says("make a new one").await?;
    ensure!(rejected.ends().await?.code() == Some(69));
    stop(first).await
}
