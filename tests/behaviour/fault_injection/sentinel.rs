//! Redis Sentinel: the service follows the master.

use harness::SentinelSet;

use super::flow::Flow;

#[tokio::test]
async fn the_service_goes_on_with_the_replica_that_takes_over() {
    let mut set = SentinelSet::start().await.unwrap();
    let mut flow = Flow::start().await;
    let mut service = flow.fetching(&set.url(), &[]).await;
    flow.push(100);
    flow.arrives(&set.nodes[1]).await;
    flow.push(100);
    set.nodes[0].kill().await.unwrap();
    flow.push(100);
    flow.arrives(&set.nodes[1]).await;
    assert!(service.stop().await.unwrap().success());
}
