//! A Redis server as a child process.

use std::{env, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, aio::MultiplexedConnection};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

/// How long a server may take to start.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long a server may take to accept a connection or to reply to a command.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// The environment variable with the server's program; `redis-server` by default.
const PROGRAM: &str = "TEST_REDIS_SERVER";
/// The configuration file in the data folder.
const CONFIG: &str = "redis.conf";

/// A Redis server on a free port of 127.0.0.1, with a data folder of its own. Dropping it kills
/// the server and removes the folder.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    port: u16,
    options: Vec<String>,
    password: Option<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server that keeps everything in memory.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with_options(&["--save", "", "--appendonly", "no"]).await
    }

    /// Starts a server with command-line options of `redis-server`.
    pub async fn with_options(options: &[&str]) -> anyhow::Result<Self> {
        Self::with_config("", options).await
    }

    /// Starts a server with a configuration file of this text, which the server may rewrite, and command-line
    /// options, which take precedence.
    pub async fn with_config(config: &str, options: &[&str]) -> anyhow::Result<Self> {
        let port = crate::free_port()?;
        let folder = TempDir::new()?;
        std::fs::write(folder.path().join(CONFIG), config)?;
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let process = spawn(port, &options, &folder)?;
        let mut server = Self { process, port, options, password: None, folder };
        server.answers().await?;
        Ok(server)
    }

    /// Starts a server that requires a password, which [`url`](Self::url) does not contain.
    pub async fn with_password(password: &str) -> anyhow::Result<Self> {
        let server = Self::with_options(&["--save", "", "--requirepass", password]).await?;
        Ok(Self { password: Some(password.to_owned()), ..server })
    }

    /// The server's address as `bus.url` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id; none after the server was killed.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// The server's data folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A new connection.
    pub async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        let mut info = self.url().into_connection_info()?;
        if let Some(password) = &self.password {
            let login = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(login);
        }
        connect_to(info).await
    }

    /// Sends the server a signal by its name, such as `STOP` or `CONT`.
    pub async fn signal(&self, name: &str) -> anyhow::Result<()> {
        crate::signal(self.pid().context("the server was killed")?, name).await
    }

    /// Kills the server with SIGKILL.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Starts the server again on the same port and folder, after [`kill`](Self::kill).
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = spawn(self.port, &self.options, &self.folder)?;
        self.answers().await
    }

    async fn answers(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + START_DEADLINE;
        let client = Client::open(self.url())?;
        loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("the Redis server on port {} ended at once: {status}", self.port);
            }
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                let answer = redis::cmd("PING").query_async::<String>(&mut connection).await;
                // NOAUTH and NOPERM also show that the server runs.
                if !answer
                    .is_err_and(|error| error.is_io_error() || error.code() == Some("LOADING"))
                {
                    return Ok(());
                }
            }
            if Instant::now() > end {
                bail!("the Redis server does not answer on port {}", self.port);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A connection to the Redis on a port of 127.0.0.1.
pub async fn connect(port: u16) -> anyhow::Result<MultiplexedConnection> {
    connect_to(format!("redis://127.0.0.1:{port}")).await
}

async fn connect_to(server: impl IntoConnectionInfo) -> anyhow::Result<MultiplexedConnection> {
    // redis-rs gives up connecting after one second, which a busy machine exceeds.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_DEADLINE))
        .set_response_timeout(Some(ANSWER_DEADLINE));
    Ok(Client::open(server)?.get_multiplexed_async_connection_with_config(&config).await?)
}

fn spawn(port: u16, options: &[String], folder: &TempDir) -> anyhow::Result<Child> {
    let program = env::var_os(PROGRAM).unwrap_or_else(|| "redis-server".into());
    Command::new(&program)
        .arg(folder.path().join(CONFIG))
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--loglevel", "warning"])
        .arg("--dir")
        .arg(folder.path())
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} cannot be started; is it installed?", program.display()))
}
