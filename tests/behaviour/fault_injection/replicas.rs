//! `bus.durability`: commits wait for the disk or for replicas.

use std::time::Duration;

use harness::{RedisServer, signal};

use super::flow::{DEADLINE, Flow, has, ids};

const REPLICA: [(&str, &str); 1] = [("FETCHER_BUS__DURABILITY", "replicas=1")];

async fn replica_of(master: &RedisServer) -> RedisServer {
    let port = master.port().to_string();
    let options =
        ["--save", "", "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", &port];
    RedisServer::with_options(&options).await.unwrap()
}

/// Waits until the replica has acknowledged everything, so that no commit waits for it.
async fn all_is_acknowledged(master: &RedisServer) {
    let mut connection = master.connect().await.unwrap();
    let waiting = async {
        loop {
            let mut info = redis::cmd("INFO");
            let info: redis::InfoDict =
                info.arg("replication").query_async(&mut connection).await.unwrap();
            let replica: String = info.get("slave0").unwrap_or_default();
            let offset: Option<u64> = info.get("master_repl_offset");
            if offset.is_some_and(|offset| replica.contains(&format!("offset={offset},"))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap();
}

#[tokio::test]
async fn a_commit_waits_for_a_replica_that_pauses() {
    let master = RedisServer::start().await.unwrap();
    let replica = replica_of(&master).await;
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&master.url(), &REPLICA).await;
    flow.push(20);
    flow.arrives(&master).await;
    all_is_acknowledged(&master).await;

    let replica_pid = replica.pid().unwrap();
    signal(replica_pid, "STOP").await.unwrap();
    flow.push(1);
    has(&master, 21).await;
    flow.push(20);
    flow.is_read().await;
    service.says("has not reached bus.durability").await.unwrap();
    assert_eq!(ids(&master).await.len(), 21, "the next commit waits for this one");
    signal(replica_pid, "CONT").await.unwrap();
    flow.arrives(&master).await;
    flow.arrives(&replica).await;
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_redis_without_waitaof_is_rejected() {
    let redis = RedisServer::with_options(&["--appendonly", "yes"]).await.unwrap();
    let mut connection = redis.connect().await.unwrap();
    let known = redis::cmd("COMMAND").arg("INFO").arg("WAITAOF").query_async(&mut connection).await;
    let known: Vec<redis::Value> = known.unwrap();
    let flow = Flow::start().await;
    let mut service = flow.service(&redis.url(), &[("FETCHER_BUS__DURABILITY", "aof")]);
    if known == [redis::Value::Nil] {
        assert_eq!(service.ends().await.unwrap().code(), Some(69));
        assert!(service.output().contains("Redis 7.2"), "{}", service.output());
    } else {
        flow.arrives(&redis).await;
    }
}
