//! Commits batches to Redis.

use std::{mem, sync::atomic::Ordering, time::Duration};

use redis::{FromRedisValue, ParsingError, Value};
use tokio::time::sleep;

use super::{
    CommitError, Content, LeaseTerm, Position, RedisBus,
    durability::{Waited, wait_durable},
    retrying::RetryingConnection,
    scripts::{ScriptCall, parse_reply},
};
use crate::{
    ops::{
        dependency::{Cause, Dependency},
        metrics::{CommitLabels, CommitOutcome},
        retry::Backoff,
    },
    text,
    ts::Ts,
};

/// The most events in one commit of several batches: Redis runs it for about 8 ms.
const MAX_EVENTS: usize = 1000;
/// The pauses between two attempts while a stream is full: the first, and the longest before jitter.
const FULL_PAUSE: Duration = Duration::from_millis(200);
const FULL_PAUSE_CAP: Duration = Duration::from_secs(2);

/// Commits one batch after another within a lease term.
pub(super) struct RedisCommitter<'a> {
    bus: &'a RedisBus,
    connection: RetryingConnection,
    epoch: u64,
    position: Option<Position>,
}

impl<'a> RedisCommitter<'a> {
    /// Starts from the position of `term`.
    pub(super) fn new(bus: &'a RedisBus, term: &LeaseTerm) -> Self {
        let generation = term.position.map_or(0, |position| position.generation);
        bus.committed.store(generation, Ordering::Release);
        let labels = CommitLabels { outcome: CommitOutcome::Retried };
        let retries = bus.metrics.commits.get_or_create_owned(&labels);
        let connection = bus.connection(&retries);
        Self { bus, connection, epoch: term.epoch, position: term.position }
    }

    /// The number of events and dead letters beyond which a commit should not grow: it would block
    /// Redis for more than some milliseconds, or exceed a stream's cap by more than a tenth.
    pub(super) fn max_events(&self) -> usize {
        let tenth = usize::try_from(self.bus.settings.stream_length / 10).unwrap_or(usize::MAX);
        if tenth == 0 { MAX_EVENTS } else { tenth.min(MAX_EVENTS) }
    }

    /// See [`Committer::commit`](super::Committer::commit).
    pub(super) async fn commit(
        &mut self,
        content: &mut Content,
        ts: Ts,
    ) -> Result<u64, CommitError> {
        let generation = self.position.map_or(0, |position| position.generation) + 1;
        let to = Position { generation, ts };
        let call = self.call(content, to);
        let mut full = Backoff::new(FULL_PAUSE, FULL_PAUSE_CAP);
        let duplicates = loop {
            let reply: CommitReply = self.connection.run("a commit", &call).await?;
            let labels = CommitLabels { outcome: reply.outcome() };
            self.bus.metrics.commits.get_or_create_owned(&labels).inc();
            match reply {
                CommitReply::Ok { duplicates } => break duplicates,
                CommitReply::AlreadyDone => {
                    tracing::info!("this commit had already been applied: its reply was lost");
                    break 0;
                }
                CommitReply::Failed(error) => return Err(error),
                CommitReply::StreamFull { stream, group } => {
                    let group = text::excerpt(&group);
                    self.bus.health.failing_by(
                        Dependency::Consumers,
                        Cause::Backlog,
                        format_args!("group {group} is too far behind in stream {stream}"),
                    );
                    let pause = full.fail();
                    if full.to_log().is_some() {
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
        // A commit of an earlier lease term may have reported a full stream.
        self.bus.health.ok(Dependency::Consumers);
        if let Some(recovery) = full.reset() {
            tracing::info!("the stream accepts events again, {recovery}; fetching continues");
        }
        let (settings, health) = (&self.bus.settings, &self.bus.health);
        while wait_durable(&mut self.connection, settings, health).await? == Waited::ConnectionLost
        {
            self.bus.renew(&mut self.connection, self.epoch).await?;
        }
        self.position = Some(to);
        self.bus.committed.store(generation, Ordering::Release);
        Ok(duplicates)
    }

    /// The call of `commit.lua`, into which the texts of `content` are moved.
    fn call(&self, content: &mut Content, to: Position) -> ScriptCall<'a> {
        let (from_generation, from_ts) = match self.position {
            Some(Position { generation, ts }) => (generation.to_string(), ts.to_string()),
            None => (String::new(), String::new()),
        };
        let mut call = self.bus.scripts.commit(content.bytes());
        call.arg(&self.bus.instance)
            .arg(self.epoch)
            .arg(from_generation)
            .arg(from_ts)
            .arg(to.generation)
            .arg(to.ts.get());
        self.bus.scripts.add_entries(&mut call, &mut content.entries);
        call.arg(content.dead_letters.len());
        for letter in &mut content.dead_letters {
            call.arg(&letter.reason)
                .arg(letter.event_id.as_deref().unwrap_or_default())
                .arg(&*mem::take(&mut letter.raw));
        }
        call.arg(content.skipped.len());
        for (kind, times) in &content.skipped {
            call.arg(kind).arg(increment(*times));
        }
        call.arg(increment(content.gaps)).arg(increment(content.updates_lost));
        call
    }
}

/// The reply of `commit.lua`.
enum CommitReply {
    Ok { duplicates: u64 },
    AlreadyDone,
    StreamFull { stream: String, group: String },
    Failed(CommitError),
}

impl CommitReply {
    fn outcome(&self) -> CommitOutcome {
        match self {
            Self::Ok { .. } => CommitOutcome::Ok,
            Self::AlreadyDone => CommitOutcome::AlreadyDone,
            Self::StreamFull { .. } => CommitOutcome::StreamFull,
            Self::Failed(CommitError::RolledBack(_)) => CommitOutcome::RolledBack,
            Self::Failed(_) => CommitOutcome::Fenced,
        }
    }
}

impl FromRedisValue for CommitReply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        parse_reply(value, |reply| match *reply {
            ["OK", duplicates] => Some(Self::Ok { duplicates: duplicates.parse().ok()? }),
            ["ALREADY_DONE"] => Some(Self::AlreadyDone),
            ["FENCED"] => Some(Self::Failed(CommitError::Fenced)),
            ["ROLLED_BACK", generation, ts] => {
                Some(Self::Failed(CommitError::rolled_back(generation, ts)?))
            }
            ["STREAM_FULL", stream, group] => {
                Some(Self::StreamFull { stream: stream.to_owned(), group: group.to_owned() })
            }
            _ => None,
        })
    }
}

/// The largest increment that `HINCRBY` accepts.
fn increment(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
