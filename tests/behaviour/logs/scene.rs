//! A Redis, a simulated VK, and the service started in whatever way.

use std::path::PathBuf;

use harness::{Bus, RedisServer, Service};
use serde_json::json;
use vk_simulator::{Options, Simulator};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_event-fetcher");

pub(crate) struct Scene {
    pub(crate) redis: RedisServer,
    pub(crate) vk: Simulator,
    options: Options,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let options = Options::default();
        let vk = Simulator::start(options.clone()).await.unwrap();
        Self { redis: RedisServer::start().await.unwrap(), vk, options }
    }

    /// Starts a command that leads to the service, and waits until that fetches.
    pub(crate) async fn start(&self, command: &[&str], variables: &[(&str, &str)]) -> Service {
        let (group, api, bus) =
            (self.options.group_id.to_string(), self.vk.api_url(), self.redis.url());
        let path = std::env::var("PATH").unwrap();
        let mut all = vec![
            ("PATH", path.as_str()),
            ("TOKEN", self.options.token.as_str()),
            ("GROUPID", &group),
            ("FETCHER_VK__API_URL", &api),
            ("FETCHER_VK__WAIT", "1s"),
            ("FETCHER_BUS__URL", &bus),
            ("FETCHER_HTTP__LISTEN", ""),
        ];
        all.extend(variables);
        let service = Service::start(PathBuf::from(command[0]), &command[1..], &all).unwrap();
        self.bus().await.has_a_position().await.unwrap();
        service
    }

    pub(crate) async fn bus(&self) -> Bus {
        Bus::of(&self.redis, self.options.group_id).await.unwrap()
    }

    /// Pushes a message and waits until it is committed.
    pub(crate) async fn say(&self, text: &str) -> String {
        let event_id = format!("{:040x}", self.vk.ts() + 1);
        let ts = self.vk.push(&json!({
            "group_id": self.options.group_id, "type": "message_new", "event_id": event_id,
            "v": "5.199", "object": {"client_info": {}, "message": {
                "date": 1_709_107_598, "from_id": 1, "id": 0, "out": 0, "version": 10_012_065,
                "attachments": [], "conversation_message_id": 1, "fwd_messages": [],
                "peer_id": 1, "random_id": 0, "text": text,
            }},
        }));
        self.bus().await.reaches(ts).await.unwrap();
        event_id
    }
}
