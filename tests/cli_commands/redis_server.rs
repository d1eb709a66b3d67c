//! A Redis of a test's own, on a socket in a directory that goes with it.

use std::{path::PathBuf, process::Stdio};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{Said, within_deadline};

pub(crate) struct RedisServer {
    process: Child,
    dir: TempDir,
    options: Vec<String>,
}

impl RedisServer {
    pub(crate) async fn start(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        let process = spawn(&dir, &options).await;
        Self { process, dir, options }
    }

    /// Ends it without a farewell.
    pub(crate) async fn kill(&mut self) {
        within_deadline(self.process.kill()).await.expect("the process is ours");
    }

    /// Starts it again, without what it had.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(&self.dir, &self.options).await;
    }

    pub(crate) fn url(&self) -> String {
        format!("unix:{}", socket(&self.dir).display())
    }

    pub(crate) async fn connect(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("an address of a socket");
        client.get_multiplexed_async_connection().await.expect("Redis answers")
    }

    /// Puts an event on its stream as the service does.
    pub(crate) async fn add(&self, kind: &str, data: &str) {
        self.add_as("*", kind, data).await;
    }

    pub(crate) async fn add_as(&self, id: &str, kind: &str, data: &str) {
        let key = format!("{{toaster}}:{kind}");
        let mut add = redis::cmd("XADD");
        add.arg(key).arg(id).arg("event_type").arg(kind).arg("data").arg(data);
        add.exec_async(&mut self.connect().await).await.expect("Redis takes it");
    }

    /// Waits until a client waits for entries of streams.
    pub(crate) async fn until_someone_waits(&self) {
        let mut connection = self.connect().await;
        let blocked = async {
            loop {
                let info: redis::InfoDict =
                    redis::cmd("INFO").query_async(&mut connection).await.expect("Redis answers");
                if info.get::<u32>("blocked_clients") == Some(1) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        within_deadline(blocked).await;
    }
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("redis.sock")
}

async fn spawn(dir: &TempDir, options: &[String]) -> Child {
    let mut process = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(socket(dir))
        .args(options)
        .current_dir(dir.path())
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-server is installed");
    let mut said = Said::by(process.stdout.take());
    said.until("eady to accept connections").await;
    // Its log goes on being read, so that it is never held up.
    tokio::spawn(async move { while said.next().await.is_some() {} });
    process
}
