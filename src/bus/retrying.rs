//! A connection to Redis that reconnects and retries scripts.

use std::{sync::Arc, time::Duration};

use prometheus_client::metrics::counter::Counter;
use redis::{Cmd, FromRedisValue, RedisResult};
use tokio::time::{Instant, sleep};

use super::{
    Advice, Connection, Connector, Nodes, PermanentError, ServerVersion, error::transient_cause,
    scripts::ScriptCall,
};
use crate::{
    ops::{dependency::Dependency, health::Health, retry::Backoff},
    text,
};

/// A connection that runs scripts, reconnects as needed, and retries a script until Redis replies.
/// All scripts run on it must be idempotent.
pub(super) struct RetryingConnection {
    connector: Connector,
    connection: Option<Connection>,
    backoff: Backoff,
    health: Arc<Health>,
    retries: Counter,
}

impl RetryingConnection {
    /// Connects at the first call. `retries` counts the failed attempts.
    pub(super) fn new(connector: Connector, health: Arc<Health>, retries: Counter) -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        Self { connector, connection: None, backoff, health, retries }
    }

    /// Runs a script, and retries it after transient errors without limit. `doing` names it in logs
    /// and errors.
    ///
    /// # Errors
    /// Redis returned a permanent error.
    pub(super) async fn run<T: FromRedisValue>(
        &mut self,
        doing: &'static str,
        script: &ScriptCall<'_>,
    ) -> Result<T, PermanentError> {
        loop {
            let started = Instant::now();
            match self.try_run(script).await {
                Ok(reply) => {
                    self.health.ok(Dependency::Redis);
                    if let Some(recovery) = self.backoff.reset() {
                        tracing::info!("Redis serves {doing} again, {recovery}");
                    }
                    return Ok(reply);
                }
                Err(error) => {
                    self.disconnect();
                    if let Some(mut permanent) = PermanentError::by(&error, doing) {
                        if permanent.advice == Advice::Server(None) {
                            permanent.advice = Advice::Server(self.server_version().await);
                        }
                        return Err(permanent);
                    }
                    self.retries.inc();
                    let cause = transient_cause(&error);
                    let error = text::excerpt(&text::cause(&error));
                    self.health.failing_since(Dependency::Redis, cause, started, &error);
                    let pause = self.backoff.fail();
                    match self.backoff.to_log() {
                        // The network of a container may be connected after its start.
                        Some(1) if self.health.has_just_started() => {
                            tracing::info!(%error, "Redis does not serve {doing} yet; waiting for it");
                        }
                        Some(failures) if !self.health.has_just_started() => {
                            tracing::warn!(%error, failures, "Redis does not serve {doing}; trying again");
                        }
                        _ => {}
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    /// The server's name and version; none if it does not reply or report them.
    async fn server_version(&self) -> Option<ServerVersion> {
        let mut connection = self.connector.connect().await.ok()?;
        let info = redis::cmd("INFO").arg("server").take();
        let Nodes(nodes) = info.query_async(&mut connection).await.ok()?;
        ServerVersion::of(nodes.first()?)
    }

    /// Runs a script once. A connection on which it failed is not used again.
    ///
    /// # Errors
    /// Redis is unreachable or returned an error.
    pub(super) async fn try_run<T: FromRedisValue>(
        &mut self,
        script: &ScriptCall<'_>,
    ) -> RedisResult<T> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        script.invoke(self.connection.insert(connection)).await
    }

    /// Runs a command once, on the connection of the last script; none if that connection was closed.
    pub(super) async fn after_script<T: FromRedisValue>(
        &mut self,
        command: &Cmd,
    ) -> Option<RedisResult<T>> {
        Some(command.query_async(self.connection.as_mut()?).await)
    }

    /// Closes the connection, so that the next call does not queue behind a pending command.
    pub(super) fn disconnect(&mut self) {
        self.connection = None;
    }
}
