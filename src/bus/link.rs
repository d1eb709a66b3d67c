//! A connection to Redis that outlives the connections it is made of.

use std::{sync::Arc, time::Duration};

use prometheus_client::metrics::counter::Counter;
use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation};
use tokio::time::Instant;

use super::{
    Advice, Nodes, PermanentError, ServerVersion,
    connect::{Connection, Server},
    error::cause,
};
use crate::{
    ops::{dependency::Dependency, health::Health, retry::Backoff},
    text,
};

/// One caller's way to Redis. A call is repeated until it is answered: every script here can tell
/// that it was done before.
pub(super) struct Link {
    server: Server,
    timeout: Duration,
    connection: Option<Connection>,
    backoff: Backoff,
    health: Arc<Health>,
    retries: Counter,
}

impl Link {
    /// A way that is not used yet; `retries` counts the calls that have to be repeated.
    pub(super) fn new(
        server: Server,
        timeout: Duration,
        health: Arc<Health>,
        retries: Counter,
    ) -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        Self { server, timeout, connection: None, backoff, health, retries }
    }

    /// The time one answer may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Runs a script until Redis answers; fails only when it refuses for good.
    pub(super) async fn run<T: FromRedisValue>(
        &mut self,
        doing: &'static str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, PermanentError> {
        loop {
            let asked = Instant::now();
            match self.try_run(script).await {
                Ok(answer) => {
                    self.health.ok(Dependency::Redis);
                    if let Some(over) = self.backoff.reset() {
                        tracing::info!("Redis serves {doing} again, {over}");
                    }
                    return Ok(answer);
                }
                Err(error) => {
                    self.disconnect();
                    if let Some(mut refused) = PermanentError::by(&error, doing) {
                        if refused.advice == Advice::Server(None) {
                            refused.advice = Advice::Server(self.version().await);
                        }
                        return Err(refused);
                    }
                    self.retries.inc();
                    let cause = cause(&error);
                    let error = text::excerpt(&error.to_string());
                    self.health.failing_since(Dependency::Redis, cause, asked, &error);
                    let pause = self.backoff.fail();
                    if let Some(failures) = self.backoff.to_log() {
                        tracing::warn!(%error, failures, "Redis does not serve {doing}; trying again");
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Which server it is; none where it does not answer or tell.
    async fn version(&self) -> Option<ServerVersion> {
        let mut connection = self.server.connect(self.timeout, self.timeout).await.ok()?;
        let info = redis::cmd("INFO").arg("server").take();
        let Nodes(nodes) = info.query_async(&mut connection).await.ok()?;
        ServerVersion::of(nodes.first()?)
    }

    /// Runs a script once.
    pub(super) async fn try_run<T: FromRedisValue>(
        &mut self,
        script: &ScriptInvocation<'_>,
    ) -> RedisResult<T> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(self.timeout, self.timeout).await?,
        };
        script.invoke_async(self.connection.insert(connection)).await
    }

    /// Runs a command once, on the connection that the last script ran on; none where that
    /// connection is gone.
    pub(super) async fn after_script<T: FromRedisValue>(
        &mut self,
        command: &Cmd,
    ) -> Option<RedisResult<T>> {
        Some(command.query_async(self.connection.as_mut()?).await)
    }

    /// Gives the connection up: what is under way on it must not be waited behind.
    pub(super) fn disconnect(&mut self) {
        self.connection = None;
    }
}
