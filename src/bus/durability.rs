//! Waits until a commit is fsynced or replicated, as `bus.durability` requires.

use redis::{FromRedisValue, ParsingError, Value};

use super::{Advice, Config, Durability, PermanentError, retrying::RetryingConnection};
use crate::ops::{
    dependency::{Cause, Dependency},
    health::Health,
    retry::Backoff,
};

/// How a durability wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// The commit is as durable as required.
    Durable,
    /// The connection was lost, and `WAIT` covers only the writes of its own connection: write
    /// something small on a new one, and wait for that.
    ConnectionLost,
}

/// What `bus.durability = "aof"` requires.
const AOF: Advice = Advice::Do(
    "bus.durability = \"aof\" needs Redis 7.2 or newer with appendonly yes, and the right to use WAITAOF",
);

/// Waits until the last script's writes are as durable as required, without a time limit.
///
/// # Errors
/// Redis returned a permanent error.
pub(super) async fn wait_durable(
    connection: &mut RetryingConnection,
    settings: &Config,
    health: &Health,
) -> Result<Waited, PermanentError> {
    let (durability, millis) = (settings.durability, settings.timeout.as_millis() / 2);
    let (command, required) = match durability {
        Durability::None => return Ok(Waited::Durable),
        Durability::Aof => (redis::cmd("WAITAOF").arg(1).arg(0).arg(millis).take(), 1),
        Durability::Replicas(number) => (redis::cmd("WAIT").arg(number).arg(millis).take(), number),
    };
    let mut shortfalls = Backoff::network();
    loop {
        match connection.after_script(&command).await {
            None => return Ok(Waited::ConnectionLost),
            Some(Ok(Acknowledged(number))) if number >= required => {
                health.ok(Dependency::Durability);
                if let Some(recovery) = shortfalls.reset() {
                    tracing::info!("commits reach bus.durability again, {recovery}");
                }
                return Ok(Waited::Durable);
            }
            Some(Ok(Acknowledged(number))) => {
                let (cause, shortfall) = shortfall(durability, number);
                health.failing_by(Dependency::Durability, cause, shortfall);
                shortfalls.fail();
                if shortfalls.to_log().is_some() {
                    tracing::warn!(
                        acknowledged = number,
                        required,
                        "a commit has not reached bus.durability yet; waiting for acknowledgements"
                    );
                }
            }
            Some(Err(error)) => {
                connection.disconnect();
                return match PermanentError::by(&error, "bus.durability") {
                    // The master was demoted after the write; the next write finds the new master.
                    Some(error) if error.problem.contains("replica instances") => {
                        Ok(Waited::ConnectionLost)
                    }
                    Some(error) if durability == Durability::Aof => {
                        Err(PermanentError { advice: AOF, ..error })
                    }
                    Some(error) => Err(error),
                    None => Ok(Waited::ConnectionLost),
                };
            }
        }
    }
}

/// Why a commit that `number` disks or replicas acknowledged is not durable yet.
fn shortfall(durability: Durability, number: u32) -> (Cause, String) {
    match durability {
        Durability::Replicas(required) => (
            Cause::Replicas,
            format!(
                "bus.durability = \"replicas={required}\", but {number} of {required} replicas \
                 acknowledged the commit"
            ),
        ),
        Durability::Aof | Durability::None => (
            Cause::Disk,
            "bus.durability = \"aof\", but Redis has not written the commit to its disk".to_owned(),
        ),
    }
}

/// How many disks or replicas acknowledged the writes. `WAIT` returns a number, `WAITAOF` a list that
/// starts with the number for Redis' own disk.
struct Acknowledged(u32);

impl FromRedisValue for Acknowledged {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let number = match value {
            Value::Array(numbers) => numbers.into_iter().next().unwrap_or(Value::Nil),
            number => number,
        };
        Ok(Self(redis::from_redis_value(number)?))
    }
}
