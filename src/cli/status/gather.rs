//! What is shown, from those who know it.

use std::net::SocketAddr;

use anyhow::{Context, ensure};

use crate::{
    bus::{self, BusUrl, RedisUrl, Server, Surveyor},
    cli::{exit::Exit, service},
    config::{self, Sources},
    status::{Redis, Service, Status, Told},
};

/// Asks the service and Redis.
pub(super) struct Gatherer {
    listen: Option<SocketAddr>,
    settings: bus::Config,
    group_id: Option<i64>,
    surveyor: Option<Surveyor>,
}

impl Gatherer {
    pub(super) fn new(sources: &Sources) -> Result<Self, Exit> {
        let config =
            config::load_without_token(sources).map_err(|error| Exit::Usage.because(error))?;
        Ok(Self {
            listen: config.http.listen,
            settings: config.bus,
            group_id: config.vk.group_id,
            surveyor: None,
        })
    }

    /// Asks both.
    pub(super) async fn gather(&mut self) -> Result<Status, Exit> {
        let service = match self.service().await {
            Ok(service) => Told::This(service),
            Err(error) => Told::Not { error: format!("{error:#}") },
        };
        let redis = self.redis(service.known()).await?;
        Ok(Status::new(service, redis))
    }

    async fn service(&self) -> anyhow::Result<Service> {
        let listen = self.listen.context("http.listen is empty")?;
        let (is_there, answer) = service::ask(listen, "/status.json").await?;
        ensure!(is_there, "it has no /status.json; see http.page");
        let status: Status =
            serde_json::from_str(&answer).context("its answer is not that of this version")?;
        match status.service {
            Told::This(service) => Ok(service),
            Told::Not { error } => anyhow::bail!(error),
        }
    }

    /// What Redis says; none where there is none.
    async fn redis(&mut self, service: Option<&Service>) -> Result<Option<Redis>, Exit> {
        let BusUrl::Redis(url) = &self.settings.url else { return Ok(None) };
        let mut surveyor = match self.surveyor.take() {
            Some(surveyor) => surveyor,
            None => self.find(url, service)?,
        };
        let answer = surveyor.survey().await;
        self.surveyor = Some(surveyor);
        Ok(Some(match answer {
            Ok(survey) => Redis { error: None, read_s_ago: Some(0), survey: Some(survey) },
            Err(error) => Redis { error: Some(error.to_string()), read_s_ago: None, survey: None },
        }))
    }

    /// The way to ask Redis of the community that is configured, or that the service names.
    fn find(&self, url: &RedisUrl, service: Option<&Service>) -> Result<Surveyor, Exit> {
        let group_id = self.group_id.or(service.map(|service| service.group_id));
        let Some(group_id) = group_id else {
            return Err(Exit::Usage.because(
                "whose events? set GROUPID in the environment, or group_id under [vk] in \
                 Fetcher.toml: the service, which would know, does not answer",
            ));
        };
        let server = Server::new(url, &self.settings)
            .map_err(|error| Exit::Usage.because(format_args!("{error:#}")))?;
        Ok(Surveyor::new(server, &self.settings, group_id))
    }
}
