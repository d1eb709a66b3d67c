//! A simulated VK whose updates are numbered, and the service that must deliver each of them once.

use std::time::Duration;

use harness::{Bus, RedisServer, STREAMS, Service};
use serde_json::json;
use vk_simulator::{Options, Simulator};

pub(crate) const TOKEN: &str = "vk1.a.the-right-token-of-the-tests";

/// A time-out that only a failing test reaches.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A simulated VK and the number of its messages.
pub(crate) struct Flow {
    vk: Simulator,
    pushed: usize,
}

impl Flow {
    pub(crate) async fn start() -> Self {
        let options = Options { token: TOKEN.to_owned(), ..Options::default() };
        Self { vk: Simulator::start(options).await.unwrap(), pushed: 0 }
    }

    pub(crate) fn vk(&self) -> &Simulator {
        &self.vk
    }

    /// Starts the service with Redis at `url`.
    pub(crate) fn service(&self, url: &str, variables: &[(&str, &str)]) -> Service {
        self.run(&[], url, variables)
    }

    /// Runs one of the binary's commands with Redis at `url`.
    pub(crate) fn run(&self, arguments: &[&str], url: &str, variables: &[(&str, &str)]) -> Service {
        let group_id = Options::default().group_id.to_string();
        let common = [
            ("FETCHER_VK__API_URL", &*self.vk.api_url()),
            ("FETCHER_BUS__URL", url),
            ("FETCHER_BUS__TIMEOUT", "1s"),
            ("FETCHER_BUS__LEASE", "3s"),
            ("FETCHER_HTTP__LISTEN", ""),
            ("FETCHER_LOG__FORMAT", "text"),
            ("GROUPID", &group_id),
            ("TOKEN", TOKEN),
        ];
        let variables: Vec<_> = common.iter().chain(variables).copied().collect();
        Service::start(env!("CARGO_BIN_EXE_event-fetcher"), arguments, &variables).unwrap()
    }

    /// Starts the service, and waits until it fetches.
    pub(crate) async fn fetching(&self, url: &str, variables: &[(&str, &str)]) -> Service {
        let service = self.service(url, variables);
        self.is_read().await;
        service
    }

    /// Waits until the service has fetched everything and polls again.
    pub(crate) async fn is_read(&self) {
        let asks = self.vk.until(|stats| stats.polls_held > 0);
        tokio::time::timeout(DEADLINE, asks).await.unwrap();
    }

    /// Writes messages.
    pub(crate) fn push(&mut self, number: usize) {
        for _ in 0..number {
            self.pushed += 1;
            let cmid = self.pushed;
            self.vk.push(&json!({
                "group_id": Options::default().group_id, "type": "message_new",
                "event_id": id(cmid), "v": "5.199",
                "object": {"message": {"date": 1, "from_id": 1 + cmid % 50, "id": 0, "out": 0,
                    "version": 1, "attachments": [], "conversation_message_id": cmid,
                    "fwd_messages": [], "peer_id": 1 + cmid % 50, "random_id": 0, "text": "Hi!"}},
            }));
        }
    }

    /// Waits until all messages are on a bus, and checks that each is there once, in order.
    pub(crate) async fn arrives(&self, redis: &RedisServer) {
        // A replica that takes over closes its connections.
        if bus(redis).await.reaches(self.vk.ts()).await.is_err() {
            bus(redis).await.reaches(self.vk.ts()).await.unwrap();
        }
        assert_eq!(ids(redis).await, (1..=self.pushed).map(id).collect::<Vec<_>>());
    }
}

/// Waits until so many events are in the stream of messages.
pub(crate) async fn has(redis: &RedisServer, number: usize) {
    let waiting = async {
        while ids(redis).await.len() < number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap();
}

fn id(number: usize) -> String {
    format!("event-{number}")
}

async fn bus(redis: &RedisServer) -> Bus {
    Bus::of(redis, Options::default().group_id).await.unwrap()
}

/// The ids of the events in the stream of messages.
pub(crate) async fn ids(redis: &RedisServer) -> Vec<String> {
    let entries = bus(redis).await.entries(STREAMS[0]).await.unwrap();
    entries.into_iter().map(|mut entry| entry.remove("event_id").unwrap()).collect()
}

/// Runs a command, written as for redis-cli, and expects success.
pub(crate) async fn command(redis: &RedisServer, line: &str) {
    let mut connection = redis.connect().await.unwrap();
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>()).exec_async(&mut connection).await.unwrap();
}
