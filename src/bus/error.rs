//! What Redis can say against us, and what to make of it.

use redis::{ErrorKind, RedisError};
use thiserror::Error;

use crate::{ops::dependency::Cause, text};

/// Redis will not serve us until the operator changes something.
#[derive(Debug, Error)]
#[error("Redis refuses {doing}: {problem}. {advice}")]
pub struct Refused {
    /// What was being done.
    pub doing: &'static str,
    /// Redis' words.
    pub problem: String,
    /// What the operator should do.
    pub advice: &'static str,
}

impl Refused {
    /// The refusal in an error; none when waiting may help.
    #[must_use]
    pub fn by(error: &RedisError, doing: &'static str) -> Option<Self> {
        let advice = advice(error)?;
        Some(Self { doing, problem: text::excerpt(&error.to_string()), advice })
    }
}

/// What to do about an error that waiting does not cure.
fn advice(error: &RedisError) -> Option<&'static str> {
    const CREDENTIALS: &str =
        "Check the user in bus.url, and REDIS_PASSWORD or REDIS_PASSWORD_FILE";
    const RIGHTS: &str = "Give the Redis user the rights listed in the README";
    match error.kind() {
        ErrorKind::AuthenticationFailed => return Some(CREDENTIALS),
        ErrorKind::InvalidClientConfig => return Some("Check bus.url"),
        _ => {}
    }
    match error.code()? {
        "NOAUTH" | "WRONGPASS" => Some(CREDENTIALS),
        "NOPERM" => Some(RIGHTS),
        // So Redis turns away a long command of who has not logged in.
        "ERR" if error.to_string().contains("unauthenticated") => Some(CREDENTIALS),
        // Redis 7 words a right that a script lacks like this, and calls it a plain error.
        "ERR" if error.to_string().contains("The user executing the script can't") => Some(RIGHTS),
        "WRONGTYPE" => Some(
            "Another program uses this key; move it away, or choose another bus.namespace or \
             stream name",
        ),
        "MOVED" | "CROSSSLOT" => {
            Some("This Redis is a Cluster; give its address as redis+cluster:// in bus.url")
        }
        "ERR" if !error.to_string().contains("max number of clients") => {
            Some("Redis 6.2 or newer is needed; check its version and this service's")
        }
        _ => None,
    }
}

/// In what way Redis fails where waiting may help. What has a code is an answer of Redis; anything else
/// happened on the way to it.
pub(super) fn cause(error: &RedisError) -> Cause {
    match error.code() {
        None => Cause::Unreachable,
        Some("MISCONF") => Cause::Disk,
        Some("NOREPLICAS") => Cause::Replicas,
        Some(_) => Cause::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_and_missing_replicas_are_told_apart_from_other_errors() {
        for (code, expected) in [
            ("MISCONF", Cause::Disk),
            ("NOREPLICAS", Cause::Replicas),
            ("OOM", Cause::Error),
            ("LOADING", Cause::Error),
        ] {
            assert_eq!(cause(&redis::make_extension_error(code.into(), None)), expected, "{code}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(cause(&refused.into()), Cause::Unreachable);
    }

    fn says(code: &str, detail: &str) -> Option<Refused> {
        let error = redis::make_extension_error(code.into(), Some(detail.into()));
        Refused::by(&error, "a test")
    }

    #[test]
    fn what_passes_is_waited_for() {
        for code in ["LOADING", "OOM", "MISCONF", "READONLY", "BUSY", "NOREPLICAS", "MASTERDOWN"] {
            assert!(says(code, "x").is_none(), "{code}");
        }
        assert!(says("ERR", "max number of clients reached").is_none());
    }

    #[test]
    fn what_needs_the_operator_says_so() {
        for code in ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE", "ERR"] {
            let refused = says(code, "x").unwrap();
            assert!(!refused.advice.is_empty(), "{code}");
        }
    }
}
