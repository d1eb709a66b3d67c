//! How Redis is reached.

use redis::{Client, IntoConnectionInfo, RedisResult};
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
