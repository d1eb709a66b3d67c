//! Waiting until what was committed is on a disk or on replicas.

use redis::{Cmd, FromRedisValue, Value};

use super::{Advice, Durability, PermanentError, link::Link};
use crate::ops::{
    dependency::{Cause, Dependency},
    health::Health,
    retry::Backoff,
};

/// Whether what the link's last script wrote is as safe as was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is.
    Yes,
    /// The connection went, and with it the memory of what was written: write something small and
    /// ask again.
    AskAgain,
}

/// What `bus.durability = "aof"` takes.
const AOF: Advice = Advice::Do(
    "bus.durability = \"aof\" needs Redis 7.2 or newer with appendonly yes, and the right to use WAITAOF",
);

/// Waits for as long as it takes. Nothing is written meanwhile: a shortfall is waited out.
pub(super) async fn settle(
    link: &mut Link,
    durability: Durability,
    health: &Health,
) -> Result<Settled, PermanentError> {
    let millis = link.timeout().as_millis() / 2;
    let (command, wanted) = match durability {
        Durability::None => return Ok(Settled::Yes),
        Durability::Aof => (redis::cmd("WAITAOF").arg(1).arg(0).arg(millis).take(), 1),
        Durability::Replicas(number) => (redis::cmd("WAIT").arg(number).arg(millis).take(), number),
    };
    let mut shortfalls = Backoff::network();
    loop {
        match reached(link, &command).await {
            None => return Ok(Settled::AskAgain),
            Some(Ok(Reached(number))) if number >= wanted => {
                health.ok(Dependency::Durability);
                if let Some(over) = shortfalls.reset() {
                    tracing::info!("commits are as safe as asked for again, {over}");
                }
                return Ok(Settled::Yes);
            }
            Some(Ok(Reached(number))) => {
                let (cause, short) = shortfall(durability, number);
                health.failing_by(Dependency::Durability, cause, short);
                shortfalls.fail();
                if shortfalls.to_log().is_some() {
                    tracing::warn!(
                        number,
                        wanted,
                        ?durability,
                        "a commit is not yet as safe as asked for; waiting"
                    );
                }
            }
            Some(Err(error)) => {
                link.disconnect();
                return match PermanentError::by(&error, "bus.durability") {
                    // The master became a replica since it was written to; the next write tells.
                    Some(refused) if refused.problem.contains("replica instances") => {
                        Ok(Settled::AskAgain)
                    }
                    Some(refused) if durability == Durability::Aof => {
                        Err(PermanentError { advice: AOF, ..refused })
                    }
                    Some(refused) => Err(refused),
                    None => Ok(Settled::AskAgain),
                };
            }
        }
    }
}

/// How a commit that `number` disks or replicas acknowledged falls short of the setting.
fn shortfall(durability: Durability, number: u32) -> (Cause, String) {
    match durability {
        Durability::Replicas(wanted) => (
            Cause::Replicas,
            format!(
                "bus.durability = \"replicas={wanted}\", but {number} of {wanted} replicas \
                 acknowledged the commit"
            ),
        ),
        Durability::Aof | Durability::None => (
            Cause::Disk,
            "bus.durability = \"aof\", but Redis has not written the commit to its disk".to_owned(),
        ),
    }
}

async fn reached(link: &mut Link, command: &Cmd) -> Option<redis::RedisResult<Reached>> {
    link.after_script(command).await
}

/// How many disks or replicas have it: `WAIT` answers a number, `WAITAOF` two, of which the first
/// is Redis' own disk.
struct Reached(u32);

impl FromRedisValue for Reached {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let number = match value {
            Value::Array(numbers) => numbers.into_iter().next().unwrap_or(Value::Nil),
            number => number,
        };
        Ok(Self(redis::from_redis_value(number)?))
    }
}
