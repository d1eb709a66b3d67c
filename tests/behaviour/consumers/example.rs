use std::time::Duration;

use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, RedisResult,
    streams::{
        StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamReadOptions, StreamReadReply,
    },
};

const STREAM: &str = "{toaster}:message";
const GROUP: &str = "message-handler";
const CLAIM_AFTER: Duration = Duration::from_secs(60);

/// Passes the JSON of each message to `handle`, until Redis fails.
pub async fn consume(url: &str, consumer: &str, handle: impl Fn(&str)) -> RedisResult<()> {
    // Longer than a read blocks; the default time-out is shorter.
    let patience = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
    let client = Client::open(url)?;
    let mut redis = client.get_multiplexed_async_connection_with_config(&patience).await?;
    if let Err(error) = redis.xgroup_create_mkstream::<_, _, _, ()>(STREAM, GROUP, "0").await
        && error.code() != Some("BUSYGROUP")
    {
        return Err(error);
    }
    let one = StreamReadOptions::default().group(GROUP, consumer).count(1).block(1000);
    let idle = u64::try_from(CLAIM_AFTER.as_millis()).unwrap_or(u64::MAX);
    let mut cursor = "0-0".to_owned();
    loop {
        // First claim one event of a dead consumer, then read a new one.
        let options = StreamAutoClaimOptions::default().count(1);
        let left: StreamAutoClaimReply =
            redis.xautoclaim_options(STREAM, GROUP, consumer, idle, &cursor, options).await?;
        let new: Option<StreamReadReply> = redis.xread_options(&[STREAM], &[">"], &one).await?;
        cursor = left.next_stream_id;
        let new = new.into_iter().flat_map(|it| it.keys).flat_map(|it| it.ids);
        for StreamId { id, map, .. } in left.claimed.into_iter().chain(new) {
            if let Some(data) = map.get("data") {
                handle(&redis::from_redis_value::<String>(data.clone())?);
            }
            redis.xack::<_, _, _, ()>(STREAM, GROUP, &[id]).await?;
        }
    }
}
