//! Errors of Redis: permanent or transient, and what to do about them.

use std::fmt;

use redis::{ErrorKind, RedisError};
use thiserror::Error;

use super::{Position, ServerVersion};
use crate::{ops::dependency::Cause, text};

/// Why commits cannot continue in this lease term.
#[derive(Debug, Error)]
pub enum CommitError {
    /// Another instance acquired the lease.
    #[error("another instance acquired the lease")]
    Fenced,
    /// Redis lost commits, and is at this position; none before the first commit.
    #[error("Redis was rolled back to {}", describe(.0.as_ref()))]
    RolledBack(Option<Position>),
    /// Redis returned a permanent error.
    #[error(transparent)]
    Permanent(#[from] PermanentError),
    /// The reader of standard output closed it.
    #[error("standard output is closed: {}", text::cause(.0))]
    StdoutClosed(#[from] std::io::Error),
}

fn describe(position: Option<&Position>) -> String {
    position.map_or_else(
        || "before the first commit".to_owned(),
        |position| format!("ts {}, generation {}", position.ts, position.generation),
    )
}

/// An error of Redis that persists until the operator changes something.
#[derive(Debug, Error)]
#[error("Redis refuses {doing}: {problem}. {advice}")]
pub struct PermanentError {
    /// What failed, such as "a commit".
    pub doing: &'static str,
    /// The error's text, shortened.
    pub problem: String,
    /// What the operator should do.
    pub advice: Advice,
}

/// What the operator should do about a permanent error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// A fixed instruction.
    Do(&'static str),
    /// Depends on the server, which may lack a command; none if its version is unknown.
    Server(Option<ServerVersion>),
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(this) => f.write_str(this),
            Self::Server(Some(version)) if version.is_too_old() => {
                write!(f, "Redis 6.2 or newer is needed, and this is {version}: upgrade it")
            }
            Self::Server(version) => {
                if let Some(version) = version {
                    write!(f, "This is {version}. ")?;
                }
                f.write_str(
                    "The README lists the servers that were tested; if this is one of them, please \
                     report the error",
                )
            }
        }
    }
}

impl PermanentError {
    /// Classifies an error of `doing`; none if it is transient.
    #[must_use]
    pub fn by(error: &RedisError, doing: &'static str) -> Option<Self> {
        let advice = advice(error)?;
        Some(Self { doing, problem: text::excerpt(&error.to_string()), advice })
    }
}

/// What to do about a permanent error; none if the error is transient.
fn advice(error: &RedisError) -> Option<Advice> {
    const CREDENTIALS: Advice =
        Advice::Do("Check the user in bus.url, and REDIS_PASSWORD or REDIS_PASSWORD_FILE");
    const RIGHTS: Advice = Advice::Do("Give the Redis user the rights listed in the README");
    match error.kind() {
        ErrorKind::AuthenticationFailed => return Some(CREDENTIALS),
        ErrorKind::InvalidClientConfig => return Some(Advice::Do("Check bus.url")),
        _ => {}
    }
    let text = error.to_string();
    let code = match within_script(&text) {
        Some(inner) => code(inner).unwrap_or("ERR"),
        None => error.code()?,
    };
    match code {
        "NOAUTH" | "WRONGPASS" => Some(CREDENTIALS),
        "NOPERM" => Some(RIGHTS),
        // Redis' reply to a long command before authentication.
        "ERR" if text.contains("unauthenticated") => Some(CREDENTIALS),
        // A missing permission within a script has no code of its own.
        "ERR" if text.contains("The user executing the script can't") => Some(RIGHTS),
        "WRONGTYPE" => Some(Advice::Do(
            "Another program uses this key; move it away, or choose another bus.namespace or \
             stream name",
        )),
        "MOVED" | "CROSSSLOT" => Some(Advice::Do(
            "This Redis is a Cluster; give its address as redis+cluster:// in bus.url",
        )),
        "ERR" if !text.contains("max number of clients") => Some(Advice::Server(None)),
        _ => None,
    }
}

/// The cause of a transient error. An error with a code is a reply of Redis; others are connection errors.
pub(super) fn transient_cause(error: &RedisError) -> Cause {
    match error.code() {
        None => Cause::Unreachable,
        Some("MISCONF") => Cause::Disk,
        Some("NOREPLICAS") => Cause::Replicas,
        Some(_) => Cause::Error,
    }
}

/// The error of a command within a script, which Redis before 7 wraps: `ERR Error running script
/// (call to f_...): @user_script:12: -OOM command not allowed`, or `@user_script: 12: -OOM command ...` if
/// the script returned the error. redis-rs then takes the first word for the code, and quotes it.
fn within_script(text: &str) -> Option<&str> {
    let (before, inner) = text.rsplit_once("@user_script:")?;
    let line = |char: char| char.is_ascii_digit() || matches!(char, ' ' | ':' | '"');
    let is_wrapped = before.contains("Error running script") || inner.contains(": ");
    is_wrapped.then(|| inner.trim_start_matches(line).trim_start_matches('-'))
}

/// The error code: the first word, if it is in capitals.
fn code(text: &str) -> Option<&str> {
    let word = text.split(' ').next()?;
    (word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_have_a_cause() {
        for (code, expected) in [
            ("MISCONF", Cause::Disk),
            ("NOREPLICAS", Cause::Replicas),
            ("OOM", Cause::Error),
            ("LOADING", Cause::Error),
        ] {
            assert_eq!(
                transient_cause(&redis::make_extension_error(code.into(), None)),
                expected,
                "{code}"
            );
        }
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(transient_cause(&error.into()), Cause::Unreachable);
    }

    fn permanent(code: &str, detail: &str) -> Option<PermanentError> {
        let error = redis::make_extension_error(code.into(), Some(detail.into()));
        PermanentError::by(&error, "a test")
    }

    #[test]
    fn transient_errors_are_not_permanent() {
        for code in ["LOADING", "OOM", "MISCONF", "READONLY", "BUSY", "NOREPLICAS", "MASTERDOWN"] {
            assert!(permanent(code, "x").is_none(), "{code}");
        }
        assert!(permanent("ERR", "max number of clients reached").is_none());
    }

    #[test]
    fn permanent_errors_have_an_advice() {
        for code in ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE", "MOVED"] {
            let error = permanent(code, "x").unwrap();
            assert!(matches!(error.advice, Advice::Do(_)), "{code}");
        }
    }

    #[test]
    fn an_error_within_a_script_is_classified_without_its_wrapping() {
        let wrapped = |what: &str| {
            let call = "Error running script (call to f_3b9a): @user_script:212: ";
            permanent("ERR", &format!("{call}{what} "))
        };
        for transient in
            ["-OOM command not allowed", "-READONLY You can't write", "-MISCONF Errors"]
        {
            assert!(wrapped(transient).is_none(), "{transient}");
            assert!(
                permanent("@user_script:", &format!("211: {transient}")).is_none(),
                "{transient}"
            );
        }
        let advice = |error: Option<PermanentError>| error.unwrap().advice.to_string();
        let rights = "@user_script: 212: The user executing the script can't run this command";
        assert!(advice(wrapped(rights)).contains("rights"));
        assert!(
            advice(permanent("@user_script:", &rights["@user_script: ".len()..]))
                .contains("rights")
        );
        assert!(advice(wrapped("WRONGTYPE Operation against a key")).contains("Another program"));
    }

    #[test]
    fn the_advice_names_the_version_only_if_it_is_too_old() {
        let mut error = permanent("ERR", "Unknown Redis command called from script").unwrap();
        assert_eq!(error.advice, Advice::Server(None));
        assert!(!error.to_string().contains("6.2"), "{error}");
        for (version, blamed) in [("6.0.16", true), ("7.0.15", false)] {
            let info = redis::Value::BulkString(format!("redis_version:{version}\r\n").into());
            let info = redis::from_redis_value(info).unwrap();
            error.advice = Advice::Server(ServerVersion::of(&info));
            assert!(error.to_string().contains(version), "{error}");
            assert_eq!(error.to_string().contains("6.2 or newer is needed"), blamed, "{error}");
        }
    }
}
