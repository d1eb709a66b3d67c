//! Gathers the status from the service and from Redis.

use std::net::SocketAddr;

use anyhow::{Context, ensure};

use crate::{
    bus::{self, BusUrl, Connector, RedisUrl, SnapshotReader},
    cli::{exit::Exit, health},
    config::{self, Sources},
    ops::{
        status::{BusReport, QueryResult, Service, Status},
        verdict::Verdict,
    },
    text,
};

/// Reads the status from the service and from Redis.
pub(super) struct Gatherer {
    listen: Option<SocketAddr>,
    settings: bus::Config,
    group_id: Option<i64>,
    snapshot_reader: Option<SnapshotReader>,
}

impl Gatherer {
    pub(super) fn new(sources: &Sources) -> Result<Self, Exit> {
        let config =
            config::load_without_token(sources).map_err(|error| Exit::Usage.because(error))?;
        Ok(Self {
            listen: config.http.listen,
            settings: config.bus,
            group_id: config.vk.group_id,
            snapshot_reader: None,
        })
    }

    /// Reads the status of both. The verdict is the one of the service; only if the service does not answer,
    /// the verdict is made here from the state of the bus.
    pub(super) async fn gather(&mut self) -> Result<Status, Exit> {
        match self.service().await {
            Ok((verdict, service)) => {
                let redis = self.redis(Some(service.group_id)).await?;
                Ok(Status { verdict, service: QueryResult::Ok(service), redis })
            }
            Err(error) => {
                let (error, redis) = (format!("{error:#}"), self.redis(None).await?);
                let verdict = Verdict::without_service(&error, redis.as_ref());
                Ok(Status { verdict, service: QueryResult::Err { error }, redis })
            }
        }
    }

    async fn service(&self) -> anyhow::Result<(Verdict, Service)> {
        let listen = self.listen.context("http.listen is empty")?;
        let (is_success, answer) = health::get(listen, "/status.json").await?;
        ensure!(is_success, "it does not serve /status.json; see http.page");
        let status: Status = serde_json::from_str(&answer)
            .context("its answer has another form: does it run another version?")?;
        match status.service {
            QueryResult::Ok(service) => Ok((status.verdict, service)),
            QueryResult::Err { error } => anyhow::bail!(error),
        }
    }

    /// The state of the bus; none if events go to standard output. `known` is the community that the service
    /// reported.
    async fn redis(&mut self, known: Option<i64>) -> Result<Option<BusReport>, Exit> {
        let BusUrl::Redis(url) = &self.settings.url else { return Ok(None) };
        let mut snapshot_reader = match self.snapshot_reader.take() {
            Some(snapshot_reader) => snapshot_reader,
            None => self.reader(url, known)?,
        };
        let answer = snapshot_reader.snapshot().await;
        self.snapshot_reader = Some(snapshot_reader);
        Ok(Some(match answer {
            Ok(snapshot) => {
                BusReport { error: None, read_s_ago: Some(0), snapshot: Some(snapshot) }
            }
            Err(error) => {
                BusReport { error: Some(text::cause(&error)), read_s_ago: None, snapshot: None }
            }
        }))
    }

    /// A reader for the configured community, else for the one that the service reported.
    fn reader(&self, url: &RedisUrl, known: Option<i64>) -> Result<SnapshotReader, Exit> {
        let Some(group_id) = self.group_id.or(known) else {
            return Err(Exit::Usage.because(
                "the community is unknown, because the service does not answer: set GROUPID in the \
                 environment, or group_id under [vk] in Fetcher.toml",
            ));
        };
        let connector = Connector::new(url, &self.settings)
            .map_err(|error| Exit::Usage.because(format_args!("{error:#}")))?;
        Ok(SnapshotReader::new(connector, &self.settings, group_id))
    }
}
