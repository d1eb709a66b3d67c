//! How Redis is reached.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, RedisResult, aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;

use crate::{
    config::{self, RedisUrl},
    tls,
};

/// A client of the Redis at `url`, with the password of `settings` if there is one. Nothing is
/// connected yet.
pub fn client(url: &RedisUrl, settings: &config::Bus) -> RedisResult<Client> {
    tls::install_provider();
    let mut server = url.expose().into_connection_info()?;
    if let Some(password) = &settings.password {
        let login = server.redis_settings().clone().set_password(password.expose_secret());
        server = server.set_redis_settings(login);
    }
    Client::open(server)
}

/// Connects within `timeout`; on that connection an answer may take as long as `answer`.
pub async fn connect(
    client: &Client,
    timeout: Duration,
    answer: Duration,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(answer));
    client.get_multiplexed_async_connection_with_config(&config).await
}
