//! The set-up of every test: a Redis, a simulated VK, and the service between them.

mod oracle;

use std::collections::BTreeMap;

use anyhow::ensure;
use harness::{Bus, RedisServer, Service};
use serde_json::{Value, json};
use vk_simulator::{CHAT_BASE, Chat, Options, Simulator, User, World};

pub(crate) use oracle::{Expected, Titles};

/// The result of a test.
pub(crate) type Outcome = anyhow::Result<()>;

/// The chat of the specification's example.
pub(crate) const CHAT: i64 = CHAT_BASE + 2;
/// The author of the specification's example.
pub(crate) const AUTHOR: i64 = 206_295_116;
/// The position that a first start takes.
pub(crate) const FIRST_TS: u64 = 1000;

/// A Redis and a simulated VK, and the service's environment variables for them.
pub(crate) struct Scene {
    pub(crate) redis: RedisServer,
    pub(crate) vk: Simulator,
    first_world: World,
    group_id: i64,
    variables: BTreeMap<&'static str, String>,
}

impl Scene {
    /// An in-memory Redis and a VK of the default size, which knows the author and the chat of the
    /// specification's example.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        Self::with(Options::default()).await
    }

    /// An in-memory Redis and a VK with these options.
    pub(crate) async fn with(options: Options) -> anyhow::Result<Self> {
        Self::on(RedisServer::start().await?, options).await
    }

    /// This Redis and a VK with these options.
    pub(crate) async fn on(redis: RedisServer, options: Options) -> anyhow::Result<Self> {
        let (group_id, token) = (options.group_id, options.token.clone());
        let vk = Simulator::start(options).await?;
        vk.set_user(User {
            id: AUTHOR,
            first_name: "Руслан".to_owned(),
            last_name: "Башинский".to_owned(),
            domain: Some("oidaho".to_owned()),
            deactivated: None,
        });
        vk.set_chat(Chat {
            peer_id: CHAT,
            title: "FUNCKA | TOASTER | DEV | CHAT".to_owned(),
            hidden: false,
        });
        let variables = [
            ("TOKEN", token),
            ("GROUPID", group_id.to_string()),
            ("FETCHER_VK__API_URL", vk.api_url()),
            ("FETCHER_VK__WAIT", "1s".to_owned()),
            ("FETCHER_BUS__URL", redis.url()),
            ("FETCHER_BUS__LEASE", "2s".to_owned()),
            // Many services run at once.
            ("FETCHER_HTTP__LISTEN", String::new()),
            ("FETCHER_LOG__FORMAT", "text".to_owned()),
        ];
        Ok(Self { redis, first_world: vk.world(), vk, group_id, variables: variables.into() })
    }

    /// Sets an environment variable for services started from now on.
    pub(crate) fn set(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.insert(variable, value.into());
        self
    }

    /// Removes an environment variable.
    pub(crate) fn unset(mut self, variable: &str) -> Self {
        self.variables.remove(variable);
        self
    }

    /// Starts a service without waiting.
    pub(crate) fn spawn(&self) -> anyhow::Result<Service> {
        self.spawn_with(&[])
    }

    /// Starts a service with arguments.
    pub(crate) fn spawn_with(&self, arguments: &[&str]) -> anyhow::Result<Service> {
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Service::start(env!("CARGO_BIN_EXE_event-fetcher"), arguments, &variables)
    }

    /// Starts a service and waits until there is a position: from then on it misses nothing.
    pub(crate) async fn start(&self) -> anyhow::Result<Service> {
        let service = self.spawn()?;
        self.bus().await?.has_a_position().await?;
        Ok(service)
    }

    /// Access to the bus by a new connection.
    pub(crate) async fn bus(&self) -> anyhow::Result<Bus> {
        Bus::of(&self.redis, self.group_id).await
    }

    /// Waits until the newest update is committed.
    pub(crate) async fn settled(&self) -> anyhow::Result<Bus> {
        let bus = self.bus().await?;
        bus.stands_at(self.vk.ts()).await?;
        Ok(bus)
    }

    /// Checks that every update since the start is on the bus: nothing lost, nothing duplicated, all in order.
    pub(crate) async fn all_arrived(&self) -> Outcome {
        self.all_arrived_but(|_| false).await
    }

    /// Checks the bus like [`all_arrived`](Self::all_arrived), except for updates that VK lost, by their `ts`.
    pub(crate) async fn all_arrived_but(&self, lost: impl Fn(u64) -> bool) -> Outcome {
        let bus = self.settled().await?;
        self.expected_but(lost).compare(&bus, Titles::AnyEver).await
    }

    /// What should be on the bus now.
    pub(crate) fn expected(&self) -> Expected {
        self.expected_but(|_| false)
    }

    fn expected_but(&self, lost: impl Fn(u64) -> bool) -> Expected {
        let mut updates = self.vk.updates();
        updates.retain(|(ts, _)| !lost(*ts));
        Expected::of(&updates, &self.first_world, &self.vk.world())
    }

    /// Pushes a message of the specification's author in its chat and returns its event id.
    pub(crate) fn say(&self, text: &str) -> String {
        let number = self.vk.ts() + 1;
        let update = self.message(number, json!({"text": text}));
        self.vk.push(&update);
        update["event_id"].as_str().unwrap_or_default().to_owned()
    }

    /// Pushes a message with these fields in place of the usual ones.
    pub(crate) fn push_message(&self, fields: Value) -> u64 {
        self.vk.push(&self.message(self.vk.ts() + 1, fields))
    }

    /// A [`message()`] of the scene's own community.
    fn message(&self, number: u64, fields: Value) -> Value {
        let mut update = message(number, fields);
        update["group_id"] = self.group_id.into();
        update
    }

    /// A new connection to Redis.
    pub(crate) async fn connect(&self) -> anyhow::Result<redis::aio::MultiplexedConnection> {
        self.redis.connect().await
    }
}

/// A `message_new` of the specification's author in its chat, with fields changed.
pub(crate) fn message(number: u64, fields: Value) -> Value {
    let mut message = json!({
        "date": 1_709_107_598, "from_id": AUTHOR, "id": 0, "out": 0, "version": 10_012_065,
        "attachments": [], "conversation_message_id": number, "fwd_messages": [],
        "important": false, "is_hidden": false, "peer_id": CHAT, "random_id": 0, "text": "Hi!",
    });
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            message[name] = value;
        }
    }
    json!({
        "group_id": 218_730_916, "type": "message_new", "event_id": format!("{number:040x}"),
        "v": "5.199", "object": {"message": message, "client_info": {}},
    })
}

/// Stops a service and checks that its exit code is 0.
pub(crate) async fn stop(mut service: Service) -> Outcome {
    let status = service.stop().await?;
    ensure!(status.code() == Some(0), "{status}, after:\n{}", service.output());
    Ok(())
}

/// Checks that a service ends by itself with this code, and returns its output.
pub(crate) async fn ends_with(mut service: Service, code: i32) -> anyhow::Result<String> {
    let status = service.ends().await?;
    let output = service.output();
    ensure!(status.code() == Some(code), "{status}, after:\n{output}");
    Ok(output)
}

/// Checks that a text contains another.
pub(crate) fn contains(text: &str, part: &str) -> Outcome {
    ensure!(text.contains(part), "{part:?} is not in:\n{text}");
    Ok(())
}
