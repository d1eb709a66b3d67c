//! Connects to Redis: one server, the master that sentinels name, or a cluster.

use std::{path::Path, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionInfo, IntoConnectionInfo,
    Pipeline, RedisFuture, RedisResult, TlsCertificates, TlsMode, Value,
    aio::ConnectionLike,
    cluster::{ClusterClient, ClusterConfig},
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use super::{Config, RedisUrl, Tls, Topology};
use crate::{ops::process, text};

/// Opens connections to the Redis that `bus.url` names.
#[derive(Clone)]
pub struct Connector {
    kind: Kind,
    timeout: Duration,
}

#[derive(Clone)]
enum Kind {
    Single(Box<Client>),
    Sentinel(Arc<Mutex<SentinelClient>>),
    Cluster(Box<ClusterClient>),
}

impl Connector {
    /// For the Redis at `url`, with the password and certificates of `settings`. Does not connect yet.
    ///
    /// # Errors
    /// A certificate file cannot be read or used.
    pub fn new(url: &RedisUrl, settings: &Config) -> anyhow::Result<Self> {
        process::install_tls_provider();
        let login = login(url.any_address(), settings)?;
        let certificates = certificates(&settings.tls)?;
        let kind = match url.topology() {
            Topology::Single => Kind::Single(Box::new(match certificates {
                Some(certificates) => Client::build_with_tls(login, certificates)?,
                None => Client::open(login)?,
            })),
            Topology::Sentinel(master) => {
                let sentinels = url
                    .servers()
                    .map(|url| Ok(url.into_connection_info()?.addr().clone()))
                    .collect::<RedisResult<_>>()?;
                let client = sentinel(sentinels, master, &login, certificates)?;
                Kind::Sentinel(Arc::new(Mutex::new(client)))
            }
            Topology::Cluster => {
                let mut builder = ClusterClient::builder(url.servers());
                if let Some(password) = login.redis_settings().password() {
                    builder = builder.password(password);
                }
                if let Some(certificates) = certificates {
                    builder = builder.certs(certificates);
                }
                Kind::Cluster(Box::new(builder.build()?))
            }
        };
        Ok(Self { kind, timeout: settings.timeout })
    }

    /// Connects within `bus.timeout`. Commands on the connection fail after the same time.
    ///
    /// # Errors
    /// Redis is unreachable or rejected the login.
    pub async fn connect(&self) -> RedisResult<Connection> {
        self.connect_to_block(Duration::ZERO).await
    }

    /// Connects for commands that block for up to `block`.
    ///
    /// # Errors
    /// Redis is unreachable or rejected the login.
    pub async fn connect_to_block(&self, block: Duration) -> RedisResult<Connection> {
        let (timeout, response_timeout) = (self.timeout, self.timeout + block);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(response_timeout));
        Ok(match &self.kind {
            Kind::Single(client) => {
                Connection::new(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Kind::Sentinel(client) => Connection::new(
                client.lock().await.get_async_connection_with_config(&config).await?,
            ),
            Kind::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(timeout)
                    .set_response_timeout(response_timeout);
                Connection::new(client.get_async_connection_with_config(config).await?)
            }
        })
    }
}

fn login(url: &str, settings: &Config) -> RedisResult<ConnectionInfo> {
    let server = url.into_connection_info()?;
    let Some(password) = &settings.password else { return Ok(server) };
    let login = server.redis_settings().clone().set_password(password.expose_secret());
    Ok(server.set_redis_settings(login))
}

fn sentinel(
    sentinels: Vec<redis::ConnectionAddr>,
    master: &str,
    login: &ConnectionInfo,
    certificates: Option<TlsCertificates>,
) -> RedisResult<SentinelClient> {
    let tls = matches!(login.addr(), redis::ConnectionAddr::TcpTls { .. });
    let settings = login.redis_settings();
    let mut builder = SentinelClientBuilder::new(sentinels, master, SentinelServerType::Master)?
        .set_client_to_redis_db(settings.db());
    if tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(username) = settings.username() {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = settings.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_sentinel_certificates(certificates.clone())
            .set_client_to_redis_certificates(certificates);
    }
    builder.build()
}

fn certificates(tls: &Tls) -> anyhow::Result<Option<TlsCertificates>> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), text::cause(&error)))
    };
    let root_cert = tls.ca.as_deref().map(read).transpose()?;
    let client_tls = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            Some(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
        }
        _ => None,
    };
    if root_cert.is_none() && client_tls.is_none() {
        return Ok(None);
    }
    Ok(Some(TlsCertificates { client_tls, root_cert }))
}

/// A connection to one server or to a cluster.
pub struct Connection(Box<dyn ConnectionLike + Send + Sync>);

impl Connection {
    fn new(connection: impl ConnectionLike + Send + Sync + 'static) -> Self {
        Self(Box::new(connection))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        self.0.req_packed_command(cmd)
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.0.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.0.get_db()
    }
}
