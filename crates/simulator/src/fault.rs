//! Faults on demand: which fault, for which requests, how often.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    str::FromStr,
    time::Duration,
};

/// A fault of a request. Each variant's text form, which [`Display`](fmt::Display) writes and [`FromStr`]
/// parses, is given first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `http-<status>`: an HTML page with this status, as a proxy in front of VK sends.
    Status(u16),
    /// `empty`: status 200 and no body.
    Empty,
    /// `html`: status 200 and an HTML page.
    Html,
    /// `cut-text`: the first half of the correct answer, properly terminated.
    CutText,
    /// `cut-connection`: the first half of the correct answer, then the connection is closed.
    CutConnection,
    /// `trailing-comma`: the correct answer with a comma before its last bracket.
    TrailingComma,
    /// `number-ts`: the correct answer with its `ts` as a number.
    NumberTs,
    /// `content-type`: the correct answer with the content type of HTML.
    ContentType,
    /// `gzip`: the correct answer, compressed, whether requested or not.
    Gzip,
    /// `drip-<ms>`: the correct answer in small pieces, spread over this time.
    Drip(Duration),
    /// `stall-<ms>`: the correct answer after this time; `stall`: no answer until the client disconnects.
    Stall(Option<Duration>),
    /// `reset-before`: the connection is reset after the head of the request; the request has no
    /// effect.
    ResetBefore,
    /// `reset-after`: the request takes effect, then the connection is reset without an answer.
    ResetAfter,
    /// `huge-<bytes>`: status 200 and this many spaces.
    Huge(u64),
    /// `duplicate`: the update that the client received last is sent again before the next ones.
    Duplicate,
    /// `early-empty`: a poll is answered without updates, at once and with the same `ts`.
    EarlyEmpty,
    /// `failed-<code>`: the Long Poll answer `{"failed":<code>}` with the fields of that code. A
    /// client that obeys 1 or 3 continues from the newest `ts` and skips unread updates.
    Failed(i64),
    /// `error-<code>`: the API's error object, in a poll's answer too.
    Error(i64),
    /// `no-keys`: the answer `{}`.
    NoKeys,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "http-{status}"),
            Self::Empty => f.write_str("empty"),
            Self::Html => f.write_str("html"),
            Self::CutText => f.write_str("cut-text"),
            Self::CutConnection => f.write_str("cut-connection"),
            Self::TrailingComma => f.write_str("trailing-comma"),
            Self::NumberTs => f.write_str("number-ts"),
            Self::ContentType => f.write_str("content-type"),
            Self::Gzip => f.write_str("gzip"),
            Self::Drip(time) => write!(f, "drip-{}", time.as_millis()),
            Self::Stall(Some(time)) => write!(f, "stall-{}", time.as_millis()),
            Self::Stall(None) => f.write_str("stall"),
            Self::ResetBefore => f.write_str("reset-before"),
            Self::ResetAfter => f.write_str("reset-after"),
            Self::Huge(bytes) => write!(f, "huge-{bytes}"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::EarlyEmpty => f.write_str("early-empty"),
            Self::Failed(code) => write!(f, "failed-{code}"),
            Self::Error(code) => write!(f, "error-{code}"),
            Self::NoKeys => f.write_str("no-keys"),
        }
    }
}

/// A text that is not a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFault(String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a fault", self.0)
    }
}

impl std::error::Error for UnknownFault {}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        with_number(text)
            .or_else(|| without_number(text))
            .ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

fn with_number(text: &str) -> Option<Fault> {
    let (name, number) = text.split_once('-')?;
    let time = || number.parse().ok().map(Duration::from_millis);
    Some(match name {
        "http" => Fault::Status(number.parse().ok().filter(|status| (200..600).contains(status))?),
        "drip" => Fault::Drip(time()?),
        "stall" => Fault::Stall(Some(time()?)),
        "huge" => Fault::Huge(number.parse().ok()?),
        "failed" => Fault::Failed(number.parse().ok()?),
        "error" => Fault::Error(number.parse().ok()?),
        _ => return None,
    })
}

fn without_number(text: &str) -> Option<Fault> {
    Some(match text {
        "empty" => Fault::Empty,
        "html" => Fault::Html,
        "cut-text" => Fault::CutText,
        "cut-connection" => Fault::CutConnection,
        "trailing-comma" => Fault::TrailingComma,
        "number-ts" => Fault::NumberTs,
        "content-type" => Fault::ContentType,
        "gzip" => Fault::Gzip,
        "stall" => Fault::Stall(None),
        "reset-before" => Fault::ResetBefore,
        "reset-after" => Fault::ResetAfter,
        "duplicate" => Fault::Duplicate,
        "early-empty" => Fault::EarlyEmpty,
        "no-keys" => Fault::NoKeys,
        _ => return None,
    })
}

/// The requests to which a fault applies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Polls of the Long Poll server: `poll`.
    Poll,
    /// Calls of any API method: `api`.
    Api,
    /// Calls of this API method, by its name.
    Method(String),
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        match text {
            "poll" => Self::Poll,
            "api" => Self::Api,
            method => Self::Method(method.to_owned()),
        }
    }
}

/// The faults that are still to be injected, in order for each target.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: HashMap<Target, VecDeque<(Fault, u32)>>,
}

impl Faults {
    pub(crate) fn add(&mut self, target: Target, fault: Fault, times: u32) {
        if times > 0 {
            self.waiting.entry(target).or_default().push_back((fault, times));
        }
    }

    pub(crate) fn clear(&mut self, target: &Target) {
        self.waiting.remove(target);
    }

    /// Takes the fault for a poll.
    pub(crate) fn for_poll(&mut self) -> Option<Fault> {
        self.take(&Target::Poll)
    }

    /// Takes the fault for an API call; one for its method precedes one for any method.
    pub(crate) fn for_call(&mut self, method: &str) -> Option<Fault> {
        self.for_method(method).or_else(|| self.take(&Target::Api))
    }

    /// Takes the fault for calls of this method.
    pub(crate) fn for_method(&mut self, method: &str) -> Option<Fault> {
        self.take(&Target::Method(method.to_owned()))
    }

    fn take(&mut self, target: &Target) -> Option<Fault> {
        let queue = self.waiting.get_mut(target)?;
        let (fault, times) = queue.front_mut()?;
        *times -= 1;
        if *times > 0 {
            return Some(fault.clone());
        }
        queue.pop_front().map(|(fault, _)| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for name in [
            "http-502",
            "empty",
            "html",
            "cut-text",
            "cut-connection",
            "trailing-comma",
            "number-ts",
            "content-type",
            "gzip",
            "drip-300",
            "stall-1500",
            "stall",
            "reset-before",
            "reset-after",
            "huge-1048576",
            "duplicate",
            "early-empty",
            "failed-4",
            "error-29",
            "no-keys",
        ] {
            assert_eq!(name.parse::<Fault>().map(|fault| fault.to_string()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_names_no_fault_is_refused() {
        for name in ["", "http", "http-99", "http-abc", "drip", "nonsense", "stall--1"] {
            assert_eq!(name.parse::<Fault>(), Err(UnknownFault(name.to_owned())));
        }
    }

    #[test]
    fn faults_are_taken_in_order_and_a_method_s_own_first() {
        let mut faults = Faults::default();
        faults.add(Target::Api, Fault::Empty, 1);
        faults.add("users.get".into(), Fault::Error(10), 2);
        faults.add("users.get".into(), Fault::Html, 1);
        let taken: Vec<_> = (0..5).map(|_| faults.for_call("users.get")).collect();
        let expected = [
            Some(Fault::Error(10)),
            Some(Fault::Error(10)),
            Some(Fault::Html),
            Some(Fault::Empty),
            None,
        ];
        assert_eq!(taken, expected);
        assert_eq!(faults.for_poll(), None);
    }
}
