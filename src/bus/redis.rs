//! The bus on Redis: lease, commit, position.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use redis::{FromRedisValue, ScriptInvocation, Value};
use tokio::time::sleep;

use super::{
    CommitError, Config, Content, Entry, LeaseTerm, PermanentError, Position, RedisUrl,
    connect::Server,
    durability::{Settled, settle},
    endless::EndlessLease,
    link::Link,
    scripts::Scripts,
    snapshot::SnapshotReader,
};
use crate::{
    event::Event,
    ops::{
        dependency::{Cause, Dependency},
        health::{Health, Role},
        metrics::{CommitLabels, CommitOutcome, Commits},
        retry::{Backoff, Recovery},
    },
    text,
    ts::Ts,
};

/// How many events Redis takes in one commit of several batches, about 8 ms of its time.
const MOST_AT_ONCE: usize = 1000;
/// The pause before a full stream is looked at again, at first ...
const FULL_PAUSE: Duration = Duration::from_millis(200);
/// ... and at most, before jitter.
const FULL_PAUSE_CAP: Duration = Duration::from_secs(2);

/// The bus of one instance of the service.
pub struct RedisBus {
    server: Server,
    pub(super) settings: Config,
    group_id: i64,
    holder: String,
    pub(super) scripts: Scripts,
    pub(super) health: Arc<Health>,
    metrics: Commits,
    /// The generation of the newest commit known to be done in this term.
    committed: AtomicU64,
}

impl RedisBus {
    /// A community's bus at `url`; nothing is connected yet.
    pub(super) fn new(
        url: &RedisUrl,
        settings: &Config,
        group_id: i64,
        health: Arc<Health>,
        metrics: Commits,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            server: Server::new(url, settings)?,
            settings: settings.clone(),
            group_id,
            holder: holder(),
            health,
            metrics,
            committed: AtomicU64::new(0),
            scripts: Scripts::new(settings, group_id),
        })
    }

    /// The counter of commits with this result.
    fn commits(&self, outcome: CommitOutcome) -> Counter {
        self.metrics.commits.get_or_create_owned(&CommitLabels { outcome })
    }

    fn link(&self, retries: &Counter) -> Link {
        let health = self.health.clone();
        Link::new(self.server.clone(), self.settings.timeout, health, retries.clone())
    }

    /// Takes the lease, after waiting for whoever holds it, and reads the position.
    pub(super) async fn acquire(&self) -> Result<LeaseTerm, PermanentError> {
        let mut link = self.link(&self.metrics.lease_retries);
        let mut waiting = false;
        let mut endless = EndlessLease::new(self);
        loop {
            let mut call = self.scripts.acquire();
            call.arg(&self.holder).arg(millis(self.settings.lease));
            if let Some(owner) = endless.dead_owner() {
                call.arg(owner);
            }
            match link.run("the lease", &call).await? {
                Acquired::Taken(term) => {
                    endless.over();
                    self.health.role(Role::Fetching);
                    tracing::info!(epoch = term.epoch, position = ?term.position, "fetching for this community");
                    return Ok(term);
                }
                Acquired::Held { by, left: None } => {
                    self.health.role(Role::Standby);
                    endless.seen(by);
                    sleep(self.settings.lease / 10).await;
                }
                Acquired::Held { by, left: Some(left) } => {
                    endless.over();
                    self.health.role(Role::Standby);
                    if !waiting {
                        tracing::info!(
                            by,
                            "another instance fetches for this community; standing by"
                        );
                        waiting = true;
                    }
                    sleep(left.min(self.settings.lease / 10)).await;
                }
            }
        }
    }

    /// Keeps the lease while polled; ends when someone else has it, or Redis refuses for good.
    pub(super) async fn keep(&self, epoch: u64) -> CommitError {
        let mut link = self.link(&self.metrics.lease_retries);
        loop {
            sleep(self.settings.lease / 3).await;
            match self.renew(&mut link, epoch).await {
                Ok(()) => {}
                Err(halt) => return halt,
            }
        }
    }

    /// Lengthens the lease, unless someone else has it or Redis is older than we are.
    async fn renew(&self, link: &mut Link, epoch: u64) -> Result<(), CommitError> {
        // Read before asking: what is stored can only be newer.
        let committed = self.committed.load(Ordering::Acquire);
        let mut call = self.scripts.renew();
        call.arg(&self.holder).arg(epoch).arg(millis(self.settings.lease));
        match link.run("the lease's renewal", call.arg(committed)).await? {
            Answer::Behind(position) => Err(CommitError::Behind(position)),
            Answer::Fenced => Err(CommitError::Fenced),
            _ => Ok(()),
        }
    }

    /// Gives the lease back, so that a standby need not wait for its end.
    pub(super) async fn release(&self) {
        let mut call = self.scripts.release();
        let answer: redis::RedisResult<i64> =
            self.link(&self.metrics.lease_retries).try_run(call.arg(&self.holder)).await;
        if let Err(error) = answer {
            let error = text::excerpt(&error.to_string());
            tracing::warn!(error, "the lease was not given back; it ends by itself");
        }
    }

    /// Who can tell how this bus stands.
    pub(super) fn snapshot_reader(&self) -> SnapshotReader {
        SnapshotReader::new(self.server.clone(), &self.settings, self.group_id)
    }

    /// The entry of an event, in the forms in which this bus carries it.
    pub(super) fn entry(&self, event: &Event, unique: bool) -> Entry {
        self.scripts.entry(event, unique)
    }

    /// The way to commit, from the position that `term` began with.
    pub(super) fn committer(&self, term: &LeaseTerm) -> Committer<'_> {
        let generation = term.position.map_or(0, |position| position.generation);
        self.committed.store(generation, Ordering::Release);
        let link = self.link(&self.commits(CommitOutcome::Retried));
        Committer { bus: self, link, epoch: term.epoch, position: term.position }
    }

    fn commit_call(
        &self,
        epoch: u64,
        from: Option<Position>,
        content: &Content,
        to: Position,
    ) -> ScriptInvocation<'_> {
        let (from_generation, from_ts) = match from {
            Some(Position { generation, ts }) => (generation.to_string(), ts.to_string()),
            None => (String::new(), String::new()),
        };
        let mut call = self.scripts.commit();
        call.arg(&self.holder)
            .arg(epoch)
            .arg(from_generation)
            .arg(from_ts)
            .arg(to.generation)
            .arg(to.ts.get());
        self.scripts.add_entries(&mut call, &content.entries);
        call.arg(content.dead_letters.len());
        for letter in &content.dead_letters {
            call.arg(&letter.reason)
                .arg(letter.event_id.as_deref().unwrap_or_default())
                .arg(&*letter.raw);
        }
        call.arg(content.skipped.len());
        for (kind, times) in &content.skipped {
            call.arg(kind).arg(countable(*times));
        }
        call.arg(countable(content.gaps)).arg(countable(content.missed));
        call
    }
}

/// Commits batch after batch.
pub(super) struct Committer<'a> {
    bus: &'a RedisBus,
    link: Link,
    epoch: u64,
    position: Option<Position>,
}

impl Committer<'_> {
    /// Few enough to keep Redis from others for some milliseconds only, and to leave the streams near
    /// their cap.
    pub(super) fn enough(&self) -> usize {
        let tenth = usize::try_from(self.bus.settings.stream_length / 10).unwrap_or(usize::MAX);
        if tenth == 0 { MOST_AT_ONCE } else { tenth.min(MOST_AT_ONCE) }
    }

    /// Commits a batch that leads to `ts`, and tells how many of its events were repeats.
    pub(super) async fn commit(&mut self, content: &Content, ts: Ts) -> Result<u64, CommitError> {
        let generation = self.position.map_or(0, |position| position.generation) + 1;
        let to = Position { generation, ts };
        let call = self.bus.commit_call(self.epoch, self.position, content, to);
        let mut full = Backoff::new(FULL_PAUSE, FULL_PAUSE_CAP);
        let repeats = loop {
            let answer: Answer =
                self.link.run("a commit", &call).await.map_err(CommitError::Permanent)?;
            self.bus.commits(answer.outcome()).inc();
            match answer {
                Answer::Done { repeats } => break repeats,
                Answer::Resent => {
                    tracing::info!(%ts, "this commit had arrived before: its answer was lost");
                    break 0;
                }
                Answer::Fenced => return Err(CommitError::Fenced),
                Answer::Behind(position) => return Err(CommitError::Behind(position)),
                Answer::Full { stream, group } => {
                    self.bus.health.failing_by(
                        Dependency::Consumers,
                        Cause::Backlog,
                        format_args!(
                            "group {} is too far behind in stream {stream}",
                            text::excerpt(&group)
                        ),
                    );
                    let pause = full.fail();
                    if full.is_loud() {
                        tracing::error!(
                            stream,
                            group,
                            "this consumer group is so far behind that its \
                            stream is full; fetching pauses until it has read on, and VK keeps the queue"
                        );
                    }
                    sleep(pause).await;
                }
            }
        };
        // Also where a commit of an earlier term found the stream full.
        self.bus.health.ok(Dependency::Consumers);
        if let Some(Recovery { lasted, .. }) = full.reset() {
            tracing::info!(?lasted, "there is room in the stream again; fetching goes on");
        }
        let (durability, health) = (self.bus.settings.durability, &self.bus.health);
        while settle(&mut self.link, durability, health).await? == Settled::AskAgain {
            self.bus.renew(&mut self.link, self.epoch).await?;
        }
        self.position = Some(to);
        self.bus.committed.store(generation, Ordering::Release);
        Ok(repeats)
    }
}

enum Acquired {
    Taken(LeaseTerm),
    /// `left` is none where the lease has no TTL.
    Held {
        by: String,
        left: Option<Duration>,
    },
}

impl FromRedisValue for Acquired {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let (word, second, rest) = split(value)?;
        if word == "HELD" {
            let [left]: [i64; 1] = redis::from_redis_value(Value::Array(rest))?;
            let left = u64::try_from(left).ok().map(|left| Duration::from_millis(left.max(1)));
            return Ok(Self::Held { by: redis::from_redis_value(second)?, left });
        }
        let position = position(rest)?;
        Ok(Self::Taken(LeaseTerm { epoch: redis::from_redis_value(second)?, position }))
    }
}

enum Answer {
    Done { repeats: u64 },
    Resent,
    Fenced,
    Behind(Option<Position>),
    Full { stream: String, group: String },
}

impl Answer {
    fn outcome(&self) -> CommitOutcome {
        match self {
            Self::Done { .. } => CommitOutcome::Ok,
            Self::Resent => CommitOutcome::AlreadyDone,
            Self::Fenced => CommitOutcome::Fenced,
            Self::Behind(_) => CommitOutcome::RolledBack,
            Self::Full { .. } => CommitOutcome::StreamFull,
        }
    }
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let (word, second, rest) = split(value)?;
        match word.as_str() {
            "DONE" => Ok(Self::Done { repeats: redis::from_redis_value(second)? }),
            "RESENT" => Ok(Self::Resent),
            "FENCED" => Ok(Self::Fenced),
            "FULL" => {
                let [group] = redis::from_redis_value(Value::Array(rest))?;
                Ok(Self::Full { stream: redis::from_redis_value(second)?, group })
            }
            "BEHIND" => Ok(Self::Behind(position([vec![second], rest].concat())?)),
            other => Err(format!("unknown answer of the commit script: {other}").into()),
        }
    }
}

/// The answer's word, its second value (nil when it has none), and the rest.
fn split(value: Value) -> Result<(String, Value, Vec<Value>), redis::ParsingError> {
    let values: Vec<Value> = redis::from_redis_value(value)?;
    let mut values = values.into_iter();
    let word = redis::from_redis_value(values.next().unwrap_or(Value::Nil))?;
    Ok((word, values.next().unwrap_or(Value::Nil), values.collect()))
}

/// A generation and a ts, both empty where no position is stored.
fn position(values: Vec<Value>) -> Result<Option<Position>, redis::ParsingError> {
    let (generation, ts): (String, String) = redis::from_redis_value(Value::Array(values))?;
    if generation.is_empty() && ts.is_empty() {
        return Ok(None);
    }
    match (generation.parse(), ts.parse().ok().map(|ts: u64| Ts::try_from(ts))) {
        (Ok(generation), Some(Ok(ts))) => Ok(Some(Position { generation, ts })),
        _ => Err("the stored position is not two whole numbers, or they are too large".into()),
    }
}

/// What Redis' counters can be raised by at once.
fn countable(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A name that no other instance has, and that tells where this one runs.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let random = RandomState::new().hash_one(std::process::id());
    format!("{}/{}/{random:016x}", host.trim(), std::process::id())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
