//! Who holds the lease, and how long it takes until another goes on.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use tokio::time::{Instant, sleep, timeout};

use crate::ground::Way;

/// How often the position is looked at.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a look may take before it is given up.
const PATIENCE: Duration = Duration::from_millis(500);

/// What was seen of the position.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    last: Option<Sight>,
    struck: Option<Struck>,
    findings: Findings,
}

/// What came of watching.
#[derive(Debug, Default, Clone)]
pub(crate) struct Findings {
    /// How often another process went on.
    pub(crate) takeovers: u64,
    /// From a blow at who held the lease to the first commit of another.
    pub(crate) longest_takeover: Duration,
    /// How often Redis came back with an older position.
    pub(crate) went_back: u64,
}

/// The position at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sight {
    holder: String,
    generation: u64,
}

impl Sight {
    /// The process that holds the lease; its number stands second in the holder's name.
    fn pid(&self) -> Option<u32> {
        self.holder.split('/').nth(1)?.parse().ok()
    }
}

/// A blow at who held the lease.
#[derive(Debug)]
struct Struck {
    at: Instant,
    holder: String,
    /// Goes on again, unless another was faster.
    recovered: bool,
}

impl Watch {
    /// A process is about to be killed or stopped.
    pub(crate) fn strikes(&self, pid: Option<u32>) {
        let mut seen = self.seen();
        if let Some(sight) = &seen.last
            && sight.pid() == pid
            && seen.struck.as_ref().is_none_or(|struck| struck.holder != sight.holder)
        {
            let holder = sight.holder.clone();
            seen.struck = Some(Struck { at: Instant::now(), holder, recovered: false });
        }
    }

    /// A stopped process goes on.
    pub(crate) fn recovers(&self, pid: Option<u32>) {
        let mut seen = self.seen();
        let Seen { last: Some(sight), struck: Some(struck), .. } = &mut *seen else { return };
        struck.recovered = sight.pid() == pid && sight.holder == struck.holder;
    }

    /// Whether anything was committed yet.
    pub(crate) fn has_begun(&self) -> bool {
        self.seen().last.as_ref().is_some_and(|sight| sight.generation > 0)
    }

    /// What came of it.
    pub(crate) fn findings(&self) -> Findings {
        self.seen().findings.clone()
    }

    /// Looks at the position for as long as it is polled.
    pub(crate) async fn follow(&self, way: &Way, group_id: i64) {
        let key = format!("{{toaster}}:position:{group_id}");
        loop {
            if let Ok(Ok(mut connection)) = timeout(PATIENCE, way.connect()).await {
                while let Ok(Some(sight)) =
                    timeout(PATIENCE, look(&mut connection, &key)).await.unwrap_or(Ok(None))
                {
                    self.seen().take(&sight);
                    sleep(GLANCE).await;
                }
            }
            sleep(GLANCE).await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn take(&mut self, sight: &Sight) {
        let Some(last) = self.last.replace(sight.clone()) else { return };
        if sight.generation < last.generation {
            self.findings.went_back += 1;
        }
        if sight.holder != last.holder {
            self.findings.takeovers += 1;
        }
        let moved = sight.generation > last.generation;
        let Some(struck) = &self.struck else { return };
        if moved && sight.holder != struck.holder {
            self.findings.longest_takeover =
                self.findings.longest_takeover.max(struck.at.elapsed());
            self.struck = None;
        } else if moved && struck.recovered {
            self.struck = None;
        }
    }
}

async fn look(
    connection: &mut MultiplexedConnection,
    key: &str,
) -> redis::RedisResult<Option<Sight>> {
    let (holder, generation): (Option<String>, Option<u64>) =
        connection.hmget(key, &["holder", "generation"]).await?;
    Ok(holder.map(|holder| Sight { holder, generation: generation.unwrap_or_default() }))
}
