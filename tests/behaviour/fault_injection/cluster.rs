//! Redis Cluster: all keys of a namespace are in one slot, which may move.

use harness::RedisCluster;

use super::flow::{Flow, ids};

/// A key of the namespace, to find its slot.
const KEY: &str = "{toaster}:message";

#[tokio::test]
async fn a_slot_that_moves_takes_everything_along() {
    let cluster = RedisCluster::start().await.unwrap();
    let from = cluster.owner(KEY).await.unwrap();
    let to = (from + 1) % cluster.nodes().len();
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&cluster.url(), &[]).await;
    flow.push(100);
    flow.arrives(&cluster.nodes()[from]).await;
    assert_eq!(ids(&cluster.nodes()[from]).await.len(), 100);

    for key in cluster.begin_move(KEY, from, to).await.unwrap() {
        flow.push(10);
        cluster.move_key(&key, from, to).await.unwrap();
    }
    cluster.end_move(KEY, to).await.unwrap();
    flow.push(100);
    flow.arrives(&cluster.nodes()[to]).await;
    service.says("appendonly is off").await.expect("a cluster's nodes are looked at too");
    assert!(service.stop().await.unwrap().success());
}
