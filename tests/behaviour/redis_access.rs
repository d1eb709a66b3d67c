//! Access to Redis: addresses, rights, and the messages about missing ones.

use anyhow::{Context, ensure};
use harness::{RedisServer, Service};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use serde_json::json;
use vk_simulator::Options;

use super::common::{Outcome, Scene, contains, ends_with, message, stop};

/// The commands that the Redis user needs at least. The service checks all of them when it takes the lease, so
/// that none is found missing half-way through a commit.
const COMMANDS: &str = "+evalsha +script|load +get +set +del +pttl +hget +hmget +hset +hincrby +type +time \
                        +xadd +xlen +xtrim +xpending +xinfo|groups +zadd +zmscore +zrangebyscore \
                        +zremrangebyrank +zremrangebyscore +publish";
/// Those that only a full stream needs. Rights cannot be checked before Redis 7, so there a missing one of these
/// is noticed only then.
const FOR_FULL_STREAMS: [&str; 6] =
    ["+hget", "+xtrim", "+xpending", "+xinfo|groups", "+zrangebyscore", "+zremrangebyscore"];
const KEYS: &str = "~{toaster}:*";
const CHANNELS: &str = "&message &command &button &reaction";

async fn set_user(redis: &mut MultiplexedConnection, rights: &str) -> Outcome {
    let mut call = redis::cmd("ACL");
    call.arg("SETUSER").arg(&["fetcher", "reset", "resetchannels", "on", ">secret"]);
    for right in rights.split_whitespace() {
        call.arg(right);
    }
    Ok(call.query_async(redis).await?)
}

async fn as_user(rights: &str) -> anyhow::Result<(Scene, MultiplexedConnection)> {
    let scene = Scene::new().await?.set("REDIS_PASSWORD", "secret");
    let url = format!("redis://fetcher@127.0.0.1:{}", scene.redis.port());
    let mut redis = scene.connect().await?;
    set_user(&mut redis, rights).await?;
    Ok((scene.set("FETCHER_BUS__URL", url), redis))
}

async fn works(scene: &Scene, service: &Service) -> Outcome {
    scene.vk.generate(300);
    scene.all_arrived().await?;
    // A second delivery needs deduplication.
    scene.vk.expire_key();
    scene.vk.generate(100);
    scene.all_arrived().await?;
    ensure!(!service.output().contains("WARN Redis"), "{}", service.output());
    Ok(())
}

#[tokio::test]
async fn a_user_with_only_these_rights_suffices() -> Outcome {
    let (scene, mut redis) = as_user(&format!("{COMMANDS} {KEYS} {CHANNELS}")).await?;
    let mut listener = redis::Client::open(scene.redis.url())?.get_async_pubsub().await?;
    listener.subscribe("message").await?;
    let service = scene.start().await?;
    works(&scene, &service).await?;
    let heard = futures::StreamExt::next(&mut listener.on_message()).await;
    ensure!(heard.is_some());
    stop(service).await?;
    let lease: Option<String> = redis.get("{toaster}:lease:218730916").await?;
    ensure!(lease.is_none(), "the lease was not given back");
    Ok(())
}

/// Full streams need more rights: the oldest entries are trimmed, but none that a group has not read.
#[tokio::test]
async fn a_user_with_the_rights_for_full_streams_suffices_for_them() -> Outcome {
    let (scene, mut redis) = as_user(&format!("{COMMANDS} {KEYS} {CHANNELS}")).await?;
    let scene = scene.set("FETCHER_BUS__STREAM_LENGTH", "200");
    let service = scene.start().await?;
    let () = command("XGROUP CREATE {toaster}:message reader $ MKSTREAM")
        .query_async(&mut redis)
        .await?;
    for _ in 0..3 {
        scene.vk.push_all(
            &(0..80).map(|it| message(scene.vk.ts() + it, json!({}))).collect::<Vec<_>>(),
        );
        if scene.vk.ts() < 1200 {
            scene.settled().await?;
        }
    }
    service.says("this consumer group is so far behind").await?;
    let () = command("XGROUP SETID {toaster}:message reader $").query_async(&mut redis).await?;
    let bus = scene.settled().await?;
    let length = bus.entries("{toaster}:message").await?.len();
    ensure!(length <= 200, "{length} entries");
    stop(service).await
}

/// A permanent error, whether the script itself or a command in it is not allowed.
#[tokio::test]
async fn a_missing_right_stops_the_service_and_the_remediation_names_the_rights() -> Outcome {
    let redis = RedisServer::start().await?;
    let can_be_asked: bool = redis::Script::new("return redis.acl_check_cmd and 1 or 0")
        .invoke_async(&mut redis.connect().await?)
        .await?;
    for lacking in COMMANDS.split_whitespace() {
        // A failed PUBLISH does not stop the service, and the other two are for standbys and for the stop.
        if matches!(lacking, "+publish" | "+pttl" | "+del") {
            continue;
        }
        if !can_be_asked && FOR_FULL_STREAMS.contains(&lacking) {
            continue;
        }
        let rights: Vec<_> = COMMANDS.split_whitespace().filter(|it| *it != lacking).collect();
        let (scene, _) = as_user(&format!("{} {KEYS} {CHANNELS}", rights.join(" "))).await?;
        let mut service = scene.spawn()?;
        let bus = scene.bus().await?;
        tokio::select! {
            _ = service.ends() => {}
            there = bus.has_a_position() => there?,
        }
        scene.vk.generate(300);
        let output = ends_with(service, 69).await.with_context(|| format!("without {lacking}"))?;
        contains(&output, "Give the Redis user the rights")
            .with_context(|| format!("without {lacking}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_unix_socket_works() -> Outcome {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("redis.sock").display().to_string();
    let redis = RedisServer::with_options(&["--save", "", "--unixsocket", &socket]).await?;
    let scene = Scene::on(redis, Options::default())
        .await?
        .set("FETCHER_BUS__URL", format!("unix:{socket}"));
    let service = scene.start().await?;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn a_wrong_password_ends_the_start_and_says_what_to_check() -> Outcome {
    let redis = RedisServer::with_password("right").await?;
    let scene = Scene::on(redis, Options::default()).await?;
    let output = ends_with(scene.spawn()?, 69).await?;
    contains(&output, "REDIS_PASSWORD")?;
    let scene = scene.set("REDIS_PASSWORD", "wrong-password");
    let output = ends_with(scene.spawn()?, 69).await?;
    contains(&output, "REDIS_PASSWORD")?;
    ensure!(!output.contains("wrong-password"), "{output}");
    Ok(())
}

/// A batch that cannot be committed as a whole is not committed at all.
#[tokio::test]
async fn a_stream_key_of_another_type_stops_the_service_with_nothing_committed() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    let () = redis.set("{toaster}:reaction", "of another program").await?;
    let before = scene.bus().await?.whole_position().await?;
    scene.vk.push_all(&[
        message(1, json!({})),
        message(2, json!({"text": "/help"})),
        json!({"type": "group_join", "object": {}}),
        json!({"type": "message_new", "object": {}}),
    ]);
    let output = ends_with(service, 69).await?;
    contains(&output, "{toaster}:reaction")?;
    contains(&output, "Another program uses this key")?;
    let bus = scene.bus().await?;
    ensure!(bus.whole_position().await? == before);
    ensure!(bus.events("{toaster}:message").await?.is_empty());
    ensure!(bus.dead_letters().await?.is_empty() && bus.skipped().await?.is_empty());

    // Without that key everything is committed.
    let () = redis.del("{toaster}:reaction").await?;
    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

/// Transient errors are retried: no memory left, a replica for some time.
/// A script that fails half-way keeps what it wrote. So the position is written last, and only ids of existing
/// entries are remembered.
#[tokio::test]
async fn a_commit_that_fails_half_way_leaves_the_position_and_is_completed_later() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    // No entry id can follow this one.
    let () = command("XADD {toaster}:command 18446744073709551615-18446744073709551615 the last")
        .query_async(&mut redis)
        .await?;
    let before = scene.bus().await?.whole_position().await?;
    scene.vk.push_all(&[
        message(1, json!({})),
        message(2, json!({"text": "/help"})),
        message(3, json!({})),
    ]);
    let output = ends_with(service, 69).await?;
    contains(&output, "a commit")?;
    ensure!(scene.bus().await?.whole_position().await? == before, "the position moved");

    let () = redis.del("{toaster}:command").await?;
    let service = scene.start().await?;
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_for_now_is_waited_for() -> Outcome {
    for (fault, repair) in [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    ] {
        let scene = Scene::new().await?;
        let service = scene.start().await?;
        let mut redis = scene.connect().await?;
        scene.vk.generate(50);
        scene.all_arrived().await?;
        let () = command(fault).query_async(&mut redis).await?;
        scene.vk.generate(50);
        service.says("Redis does not serve a commit").await?;
        let () = command(repair).query_async(&mut redis).await?;
        scene.all_arrived().await?;
        stop(service).await?;
    }
    Ok(())
}

/// As after a failover to a server without them.
#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut redis = scene.connect().await?;
    for _ in 0..3 {
        scene.vk.generate(50);
        scene.all_arrived().await?;
        let () = command("SCRIPT FLUSH").query_async(&mut redis).await?;
    }
    ensure!(!service.output().contains("Redis does not serve"), "{}", service.output());
    stop(service).await
}

/// All connections are reset; the server keeps running.
#[tokio::test]
async fn cut_connections_are_reestablished() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    for _ in 0..3 {
        scene.vk.generate(50);
        scene.all_arrived().await?;
        let cut = command("CLIENT KILL TYPE normal SKIPME yes");
        let () = cut.query_async(&mut scene.connect().await?).await?;
    }
    scene.vk.generate(50);
    scene.all_arrived().await?;
    stop(service).await
}

fn command(words: &str) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words.split_whitespace() {
        command.arg(word);
    }
    command
}
