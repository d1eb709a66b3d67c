//! Watches the lease's holder and the position, and measures takeovers.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use tokio::time::{Instant, sleep, timeout};

use crate::ground::Way;

/// The interval between two reads of the position.
const INTERVAL: Duration = Duration::from_millis(10);
/// The timeout of a read.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Records changes of the position.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    last: Option<Reading>,
    fault: Option<HolderFault>,
    findings: Findings,
}

/// The takeovers and rollbacks seen.
#[derive(Debug, Default, Clone)]
pub(crate) struct Findings {
    /// How often another process acquired the lease.
    pub(crate) takeovers: u64,
    /// The longest time from a fault of the holder to the first commit of another process.
    pub(crate) longest_takeover: Duration,
    /// How often Redis came back with an older position.
    pub(crate) rollbacks: u64,
}

/// The position at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    holder: String,
    generation: u64,
}

impl Reading {
    /// The process that holds the lease: the second part of the holder's name.
    fn pid(&self) -> Option<u32> {
        self.holder.split('/').nth(1)?.parse().ok()
    }
}

/// A fault of the lease's holder.
#[derive(Debug)]
struct HolderFault {
    at: Instant,
    holder: String,
    /// Whether the holder was resumed.
    recovered: bool,
}

impl Watch {
    /// The test is about to kill or stop a process.
    pub(crate) fn fault_starts(&self, pid: Option<u32>) {
        let mut seen = self.seen();
        if let Some(reading) = &seen.last
            && reading.pid() == pid
            && seen.fault.as_ref().is_none_or(|fault| fault.holder != reading.holder)
        {
            let holder = reading.holder.clone();
            seen.fault = Some(HolderFault { at: Instant::now(), holder, recovered: false });
        }
    }

    /// The test is about to resume a stopped process.
    pub(crate) fn fault_ends(&self, pid: Option<u32>) {
        let mut seen = self.seen();
        let Seen { last: Some(reading), fault: Some(fault), .. } = &mut *seen else { return };
        fault.recovered = reading.pid() == pid && reading.holder == fault.holder;
    }

    /// Whether anything was committed yet.
    pub(crate) fn has_committed(&self) -> bool {
        self.seen().last.as_ref().is_some_and(|reading| reading.generation > 0)
    }

    /// The findings so far.
    pub(crate) fn findings(&self) -> Findings {
        self.seen().findings.clone()
    }

    /// Reads the position while polled.
    pub(crate) async fn follow(&self, way: &Way, group_id: i64) {
        let key = format!("{{toaster}}:position:{group_id}");
        loop {
            if let Ok(Ok(mut connection)) = timeout(TIMEOUT, way.connect()).await {
                while let Ok(Some(reading)) =
                    timeout(TIMEOUT, read(&mut connection, &key)).await.unwrap_or(Ok(None))
                {
                    self.seen().record(&reading);
                    sleep(INTERVAL).await;
                }
            }
            sleep(INTERVAL).await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn record(&mut self, reading: &Reading) {
        let Some(last) = self.last.replace(reading.clone()) else { return };
        if reading.generation < last.generation {
            self.findings.rollbacks += 1;
        }
        if reading.holder != last.holder {
            self.findings.takeovers += 1;
        }
        let moved = reading.generation > last.generation;
        let Some(fault) = &self.fault else { return };
        if moved && reading.holder != fault.holder {
            self.findings.longest_takeover = self.findings.longest_takeover.max(fault.at.elapsed());
            self.fault = None;
        } else if moved && fault.recovered {
            self.fault = None;
        }
    }
}

async fn read(
    connection: &mut MultiplexedConnection,
    key: &str,
) -> redis::RedisResult<Option<Reading>> {
    let (holder, generation): (Option<String>, Option<u64>) =
        connection.hmget(key, &["holder", "generation"]).await?;
    Ok(holder.map(|holder| Reading { holder, generation: generation.unwrap_or_default() }))
}
