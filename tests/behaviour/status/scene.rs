//! A Redis, a simulated VK, and the service's binary to run between them.

use std::{process::ExitStatus, time::Duration};

use harness::{Bus, RedisServer, Service};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vk_simulator::{Options, Simulator};

/// How long anything awaited may take: far beyond what it should.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) redis: RedisServer,
    pub(crate) vk: Simulator,
    pub(crate) address: String,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(vk: Options) -> Self {
        Self {
            redis: RedisServer::start().await.unwrap(),
            vk: Simulator::start(vk).await.unwrap(),
            address: free_address(),
        }
    }

    /// Runs the binary where the scene's service would be looked for at `address`.
    pub(crate) fn run_at(
        &self,
        address: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Service {
        let options = Options::default();
        let (group, api, url) = (options.group_id.to_string(), self.vk.api_url(), self.redis.url());
        let mut all = vec![
            ("TOKEN", options.token.as_str()),
            ("GROUPID", &group),
            ("FETCHER_VK__API_URL", &api),
            ("FETCHER_VK__WAIT", "1s"),
            ("FETCHER_BUS__URL", &url),
            ("FETCHER_BUS__TIMEOUT", "1s"),
            ("FETCHER_BUS__LEASE", "3s"),
            ("FETCHER_HTTP__LISTEN", address),
        ];
        for variable in variables {
            all.retain(|(name, _)| name != &variable.0);
            all.extend((!variable.1.is_empty()).then_some(*variable));
        }
        Service::start(env!("CARGO_BIN_EXE_event-fetcher"), arguments, &all).unwrap()
    }

    /// Starts the service, and waits until it has committed.
    pub(crate) async fn service(&self, variables: &[(&str, &str)]) -> Service {
        let service = self.run_at(&self.address, &[], variables);
        self.bus().await.has_a_position().await.unwrap();
        service
    }

    /// Waits until the service is ready.
    pub(crate) async fn is_ready(&self) {
        let end = Instant::now() + DEADLINE;
        while !self.get("/readyz").await.status().is_success() {
            assert!(Instant::now() < end, "it never came to be ready");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.run_at(&self.address, arguments, variables);
        let status = command.ends().await.unwrap();
        let (out, err) = (command.stdout().join("\n"), command.stderr().join("\n"));
        Ended { status, out, err }
    }

    /// What `status --json` prints.
    pub(crate) async fn told(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"], &[]).await.out).unwrap()
    }

    pub(crate) async fn bus(&self) -> Bus {
        Bus::of(&self.redis, Options::default().group_id).await.unwrap()
    }

    /// Somebody writes to the community; waits until that is on the bus.
    pub(crate) async fn write(&self, cmid: u64, text: &str) {
        self.push(cmid, text);
        self.bus().await.reaches(self.vk.ts()).await.unwrap();
    }

    /// Somebody writes to the community.
    pub(crate) fn push(&self, cmid: u64, text: &str) {
        self.vk.push(&json!({
            "group_id": Options::default().group_id, "type": "message_new",
            "event_id": format!("{cmid:040x}"), "v": "5.199",
            "object": {"message": {"date": 1, "from_id": 100_000_001, "id": 0, "out": 0, "version": 1,
                "attachments": [], "conversation_message_id": cmid, "fwd_messages": [],
                "peer_id": 100_000_001, "random_id": 0, "text": text}},
        }));
    }

    /// Runs a command of Redis, written as for redis-cli.
    pub(crate) async fn redis_cli<T: redis::FromRedisValue>(&self, line: &str) -> T {
        let mut connection = self.redis.connect().await.unwrap();
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>()).query_async(&mut connection).await.unwrap()
    }

    /// The answer of the service's port, once there is one.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        event_fetcher::ops::process::install_tls_provider();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            match http.get(format!("http://{}{path}", self.address)).send().await {
                Ok(response) => return response,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// `/status.json`, once something is the case in it.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + DEADLINE;
        loop {
            let status: Value =
                serde_json::from_str(&self.get("/status.json").await.text().await.unwrap())
                    .unwrap();
            if is(&status) {
                return status;
            }
            assert!(Instant::now() < end, "it never came to be that {what}: {status:#}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(crate) fn free_address() -> String {
    format!("127.0.0.1:{}", harness::free_port().unwrap())
}
