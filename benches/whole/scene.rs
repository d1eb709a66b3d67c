//! A Redis, a simulated VK, and the service between them.

use anyhow::Context;
use harness::{Bus, RedisServer, Service};
use vk_simulator::{Options, Simulator};

pub(crate) struct Scene {
    pub(crate) redis: RedisServer,
    pub(crate) vk: Simulator,
    pub(crate) bus: Bus,
    variables: Vec<(&'static str, String)>,
}

impl Scene {
    pub(crate) async fn with(options: Options) -> anyhow::Result<Self> {
        let (group_id, token) = (options.group_id, options.token.clone());
        let redis = RedisServer::start().await?;
        let vk = Simulator::start(options).await?;
        let bus = Bus::of(&redis, group_id).await?;
        let variables = vec![
            ("TOKEN", token),
            ("GROUPID", group_id.to_string()),
            ("FETCHER_VK__API_URL", vk.api_url()),
            ("FETCHER_BUS__URL", redis.url()),
            ("FETCHER_HTTP__LISTEN", String::new()),
            ("FETCHER_LOG__LEVEL", "warn".to_owned()),
            // VK's limit; the default keeps below it.
            ("FETCHER_VK__REQUESTS_PER_SECOND", "20".to_owned()),
        ];
        Ok(Self { redis, vk, bus, variables })
    }

    /// Starts the service, or the binary that the environment variable `BINARY` names, and returns it with its
    /// process id.
    pub(crate) fn start(&self) -> anyhow::Result<(Service, u32)> {
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let own = env!("CARGO_BIN_EXE_event-fetcher").into();
        let binary = std::env::var_os("BINARY").unwrap_or(own);
        let service = Service::start(binary, &[], &variables)?;
        let pid = service.pid().context("the service has ended")?;
        Ok((service, pid))
    }

    /// Lets a service take the position, so that updates from now on are the backlog of the next start.
    pub(crate) async fn begin(&self) -> anyhow::Result<()> {
        let (mut service, _) = self.start()?;
        self.bus.has_a_position().await?;
        service.stop().await?;
        Ok(())
    }

    /// Waits until all updates of VK are committed.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        self.bus.reaches(self.vk.ts()).await
    }

    /// The API calls answered so far.
    pub(crate) fn calls(&self) -> u64 {
        self.vk.stats().calls.values().sum()
    }
}
