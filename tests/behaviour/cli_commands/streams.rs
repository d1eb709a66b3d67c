//! The streams of a Redis of a test's own.

use harness::RedisServer;

use super::support::within_deadline;

/// A Redis that keeps nothing, with these options besides.
pub(crate) async fn redis(options: &[&str]) -> RedisServer {
    let options: Vec<_> = ["--save", ""].iter().chain(options).copied().collect();
    RedisServer::with_options(&options).await.expect("redis-server is installed")
}

/// Puts an event on its stream as the service does.
pub(crate) async fn add(redis: &RedisServer, kind: &str, data: &str) {
    add_as(redis, "*", kind, data).await;
}

/// Likewise, with an id that tells another time.
pub(crate) async fn add_as(redis: &RedisServer, id: &str, kind: &str, data: &str) {
    let mut connection = redis.connect().await.expect("Redis answers");
    let mut add = redis::cmd("XADD");
    add.arg(format!("{{toaster}}:{kind}")).arg(id).arg("event_type").arg(kind);
    add.arg("data").arg(data).exec_async(&mut connection).await.expect("Redis takes it");
}

/// Waits until a client waits for entries of streams.
pub(crate) async fn until_someone_waits(redis: &RedisServer) {
    let mut connection = redis.connect().await.expect("Redis answers");
    let waiting = async {
        loop {
            let info = redis::cmd("INFO").query_async(&mut connection).await;
            let info: redis::InfoDict = info.expect("Redis answers");
            if info.get::<u32>("blocked_clients") == Some(1) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    within_deadline(waiting).await;
}
