//! What Redis can say against us, and what to make of it.

use std::fmt;

use redis::{ErrorKind, RedisError};
use thiserror::Error;

use super::ServerVersion;
use crate::{ops::dependency::Cause, text};

/// Redis will not serve us until the operator changes something.
#[derive(Debug, Error)]
#[error("Redis refuses {doing}: {problem}. {advice}")]
pub struct PermanentError {
    /// What was being done.
    pub doing: &'static str,
    /// Redis' words.
    pub problem: String,
    /// What the operator should do.
    pub advice: Advice,
}

/// What the operator should do about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// This.
    Do(&'static str),
    /// It depends on the server, which may lack what is needed; none where it is not known which it is.
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
    /// The refusal in an error; none when waiting may help.
    #[must_use]
    pub fn by(error: &RedisError, doing: &'static str) -> Option<Self> {
        let advice = advice(error)?;
        Some(Self { doing, problem: text::excerpt(&error.to_string()), advice })
    }
}

/// What to do about an error that waiting does not cure.
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
        // So Redis turns away a long command of who has not logged in.
        "ERR" if text.contains("unauthenticated") => Some(CREDENTIALS),
        // A right that a script lacks is a plain error.
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

/// What a command within a script answered, where Redis wraps it as it did before 7: `ERR Error running script
/// (call to f_...): @user_script:12: -OOM command not allowed`, or `@user_script: 12: -OOM command ...` where the
/// script returns the error itself, whose first word is then the code, which redis-rs puts in quotes.
fn within_script(text: &str) -> Option<&str> {
    let (before, inner) = text.rsplit_once("@user_script:")?;
    let line = |char: char| char.is_ascii_digit() || matches!(char, ' ' | ':' | '"');
    let is_wrapped = before.contains("Error running script") || inner.contains(": ");
    is_wrapped.then(|| inner.trim_start_matches(line).trim_start_matches('-'))
}

/// The word in capitals that an error begins with.
fn code(text: &str) -> Option<&str> {
    let word = text.split(' ').next()?;
    (word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(word)
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

    fn says(code: &str, detail: &str) -> Option<PermanentError> {
        let error = redis::make_extension_error(code.into(), Some(detail.into()));
        PermanentError::by(&error, "a test")
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
        for code in ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE", "MOVED"] {
            let refused = says(code, "x").unwrap();
            assert!(matches!(refused.advice, Advice::Do(_)), "{code}");
        }
    }

    /// Redis 6 and older wrap what a command within a script answers.
    #[test]
    fn what_a_script_met_counts_and_not_its_wrapping() {
        let wrapped = |what: &str| {
            let call = "Error running script (call to f_3b9a): @user_script:212: ";
            says("ERR", &format!("{call}{what} "))
        };
        for passing in ["-OOM command not allowed", "-READONLY You can't write", "-MISCONF Errors"]
        {
            assert!(wrapped(passing).is_none(), "{passing}");
            assert!(says("@user_script:", &format!("211: {passing}")).is_none(), "{passing}");
        }
        let advice = |refused: Option<PermanentError>| refused.unwrap().advice.to_string();
        let rights = "@user_script: 212: The user executing the script can't run this command";
        assert!(advice(wrapped(rights)).contains("rights"));
        assert!(
            advice(says("@user_script:", &rights["@user_script: ".len()..])).contains("rights")
        );
        assert!(advice(wrapped("WRONGTYPE Operation against a key")).contains("Another program"));
    }

    #[test]
    fn the_version_is_blamed_only_where_it_is_too_old() {
        let mut refused = says("ERR", "Unknown Redis command called from script").unwrap();
        assert_eq!(refused.advice, Advice::Server(None));
        assert!(!refused.to_string().contains("6.2"), "{refused}");
        for (version, blamed) in [("6.0.16", true), ("7.0.15", false)] {
            let info = redis::Value::BulkString(format!("redis_version:{version}\r\n").into());
            let info = redis::from_redis_value(info).unwrap();
            refused.advice = Advice::Server(ServerVersion::of(&info));
            assert!(refused.to_string().contains(version), "{refused}");
            assert_eq!(refused.to_string().contains("6.2 or newer is needed"), blamed, "{refused}");
        }
    }
}
