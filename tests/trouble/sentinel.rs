//! Redis Sentinel: the service follows the master.

use harness::{RedisServer, Sentinel};

use crate::flow::Flow;

#[tokio::test]
async fn the_service_goes_on_with_the_replica_that_takes_over() {
    let mut master = RedisServer::start().await.unwrap();
    let port = master.port().to_string();
    let options =
        ["--save", "", "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", &port];
    let replica = RedisServer::with_options(&options).await.unwrap();
    let sentinel = Sentinel::watching(&master).await.unwrap();
    sentinel.knows_replica().await.unwrap();

    let mut flow = Flow::start().await;
    let url = format!("redis+sentinel://127.0.0.1:{}/toaster", sentinel.port());
    let mut service = flow.fetching(&url, &[]).await;
    flow.push(100);
    flow.arrives(&replica).await;
    flow.push(100);
    master.kill().await.unwrap();
    flow.push(100);
    flow.arrives(&replica).await;
    assert!(service.stop().await.unwrap().success());
}
