//! A connection to Redis that outlives the connections it is made of.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, FromRedisValue, RedisError, ScriptInvocation};

use super::{Refused, connect};
use crate::backoff::Backoff;

/// One caller's way to Redis. A call is repeated until it is answered: every script here can tell
/// that it was done before.
pub(super) struct Link {
    client: Client,
    timeout: Duration,
    connection: Option<MultiplexedConnection>,
    backoff: Backoff,
}

impl Link {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        Self { client, timeout, connection: None, backoff }
    }

    /// Runs a script until Redis answers; fails only when it refuses for good.
    pub(super) async fn run<T: FromRedisValue>(
        &mut self,
        doing: &'static str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Refused> {
        loop {
            match self.try_run(script).await {
                Ok(answer) => {
                    let failures = self.backoff.reset();
                    if failures > 0 {
                        tracing::info!(failures, "Redis answers again");
                    }
                    return Ok(answer);
                }
                Err(error) => {
                    // What is still under way on this connection must not be waited behind.
                    self.connection = None;
                    if let Some(refused) = Refused::by(&error, doing) {
                        return Err(refused);
                    }
                    let pause = self.backoff.fail();
                    if self.backoff.is_loud() {
                        let failures = self.backoff.failures();
                        tracing::warn!(%error, failures, "Redis does not serve {doing}; trying again");
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Runs a script once.
    pub(super) async fn try_run<T: FromRedisValue>(
        &mut self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, RedisError> {
        if self.connection.is_none() {
            self.connection = Some(connect(&self.client, self.timeout, self.timeout).await?);
        }
        match &mut self.connection {
            Some(connection) => script.invoke_async(connection).await,
            None => unreachable!("connected above"),
        }
    }
}
