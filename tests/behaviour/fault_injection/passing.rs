//! Transient errors of Redis are retried until they end.

use std::time::Duration;

use harness::RedisServer;

use super::flow::{Flow, command, ids};

/// Events arrive; between `begin` and `end` Redis rejects writes with the error `refusal`; then the rest arrives.
async fn rejected_meanwhile(redis: &RedisServer, refusal: &str, begin: &[&str], end: &[&str]) {
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&redis.url(), &[]).await;
    flow.push(20);
    flow.arrives(redis).await;
    for line in begin {
        command(redis, line).await;
    }
    flow.push(20);
    service.says(refusal).await.unwrap();
    assert_eq!(ids(redis).await.len(), 20);
    for line in end {
        command(redis, line).await;
    }
    flow.push(20);
    flow.arrives(redis).await;
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_full_memory_pauses_fetching() {
    let redis = RedisServer::start().await.unwrap();
    let (full, unlimited) = (["CONFIG SET maxmemory 1"], ["CONFIG SET maxmemory 0"]);
    rejected_meanwhile(&redis, "OOM", &full, &unlimited).await;
}

#[tokio::test]
async fn a_master_that_is_a_replica_for_a_while_is_waited_for() {
    let redis = RedisServer::start().await.unwrap();
    let demote = format!("REPLICAOF 127.0.0.1 {}", harness::free_port().unwrap());
    rejected_meanwhile(&redis, "ReadOnly", &[&demote], &["REPLICAOF NO ONE"]).await;
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_pauses_fetching() {
    let redis = RedisServer::with_options(&["--save", "3600 1"]).await.unwrap();
    // A folder in place of the file makes every snapshot fail, for root too.
    let file = redis.folder().join("dump.rdb");
    std::fs::create_dir(&file).unwrap();
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&redis.url(), &[]).await;
    flow.push(20);
    flow.arrives(&redis).await;
    snapshot(&redis, "err").await;
    flow.push(20);
    service.says("MISCONF").await.unwrap();
    assert_eq!(ids(&redis).await.len(), 20);
    std::fs::remove_dir(&file).unwrap();
    snapshot(&redis, "ok").await;
    flow.arrives(&redis).await;
    assert!(service.stop().await.unwrap().success());
}

/// Writes a snapshot and waits for its result.
async fn snapshot(redis: &RedisServer, outcome: &str) {
    command(redis, "BGSAVE").await;
    let mut connection = redis.connect().await.unwrap();
    loop {
        let mut info = redis::cmd("INFO");
        let info: redis::InfoDict =
            info.arg("persistence").query_async(&mut connection).await.unwrap();
        let last: Option<String> = info.get("rdb_last_bgsave_status");
        if last.as_deref() == Some(outcome) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_redis_that_is_still_loading_is_waited_for() {
    // So slowly that the service calls it meanwhile.
    let slow = ["--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"];
    let options: Vec<_> = ["--save", ""].iter().chain(&slow).copied().collect();
    let mut redis = RedisServer::with_options(&options).await.unwrap();
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&redis.url(), &[]).await;
    flow.push(20);
    flow.arrives(&redis).await;
    let filler = "x".repeat(1000);
    for number in 0..500 {
        command(&redis, &format!("SET filler:{number} {filler}")).await;
    }
    command(&redis, "SAVE").await;
    redis.kill().await.unwrap();
    flow.push(20);
    redis.start_again().await.unwrap();
    service.says("BusyLoading").await.unwrap();
    flow.arrives(&redis).await;
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn scripts_that_redis_forgets_are_loaded_again() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&redis.url(), &[]).await;
    for _ in 0..100 {
        flow.push(5);
        command(&redis, "SCRIPT FLUSH").await;
    }
    flow.arrives(&redis).await;
    assert!(service.stop().await.unwrap().success());
}
