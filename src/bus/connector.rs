//! Connects to Redis: one server, the master that sentinels name, or a cluster.

use std::{path::Path, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionInfo, IntoConnectionInfo,
    Pipeline, RedisFuture, RedisResult, TlsCertificates, TlsMode, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterConfig},
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use super::{Config, RedisUrl, Tls, Topology};
use crate::{ops::process, text};

/// Opens connections to the Redis that `bus.url` names.
#[derive(Clone)]
pub struct Connector(Kind);

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
        let login = login(url.topology().any_address(), settings)?;
        let certificates = certificates(&settings.tls)?;
        Ok(Self(match url.topology() {
            Topology::Single(_) => Kind::Single(Box::new(match certificates {
                Some(certificates) => Client::build_with_tls(login, certificates)?,
                None => Client::open(login)?,
            })),
            Topology::Sentinel { sentinels, master } => {
                let sentinels: Vec<_> = sentinels
                    .iter()
                    .map(|url| Ok(url.expose_secret().into_connection_info()?.addr().clone()))
                    .collect::<RedisResult<_>>()?;
                let client = sentinel(sentinels, master, &login, certificates)?;
                Kind::Sentinel(Arc::new(Mutex::new(client)))
            }
            Topology::Cluster(nodes) => {
                let nodes = nodes.iter().map(ExposeSecret::expose_secret);
                let mut builder = ClusterClient::builder(nodes);
                if let Some(password) = login.redis_settings().password() {
                    builder = builder.password(password);
                }
                if let Some(certificates) = certificates {
                    builder = builder.certs(certificates);
                }
                Kind::Cluster(Box::new(builder.build()?))
            }
        }))
    }

    /// Connects within `timeout`. Commands on the connection fail after `response_timeout`.
    ///
    /// # Errors
    /// Redis is unreachable or rejected the login.
    pub async fn connect(
        &self,
        timeout: Duration,
        response_timeout: Duration,
    ) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(response_timeout));
        match &self.0 {
            Kind::Single(client) => {
                let connection =
                    client.get_multiplexed_async_connection_with_config(&config).await?;
                Ok(Connection::Single(connection))
            }
            Kind::Sentinel(client) => {
                let mut client = client.lock().await;
                Ok(Connection::Single(client.get_async_connection_with_config(&config).await?))
            }
            Kind::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(timeout)
                    .set_response_timeout(response_timeout);
                let connection = client.get_async_connection_with_config(config).await?;
                Ok(Connection::Cluster(connection))
            }
        }
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
#[derive(Clone)]
pub enum Connection {
    /// To one server.
    Single(MultiplexedConnection),
    /// To a cluster.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
