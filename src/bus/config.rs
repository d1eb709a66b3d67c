//! The section `[bus]`.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};

use super::{BusUrl, PickleClasses};
use crate::setting::{Contradiction, MINUTE, SECOND, choice, duration, pem_file, text, whole};

/// The Redis bus on which events leave.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address of the bus. While the configuration is loaded it has no password: the address with
    /// the password is set afterwards.
    #[serde(deserialize_with = "url")]
    pub url: BusUrl,
    /// The password, if `url` does not contain one. It has no key: it comes from a variable or a file.
    #[serde(skip)]
    pub password: Option<SecretString>,
    /// The hash tag that all keys begin with, without its braces.
    #[serde(deserialize_with = "name")]
    pub namespace: String,
    /// What a commit waits for after Redis' reply.
    #[serde(deserialize_with = "durability")]
    pub durability: Durability,
    /// The ways in which an event is delivered.
    #[serde(deserialize_with = "delivery")]
    pub delivery: Delivery,
    /// What happens to updates of types that are not routed.
    #[serde(deserialize_with = "choice")]
    pub unrouted: Unrouted,
    /// The timeout of a request to Redis: 100ms to 1m.
    #[serde(deserialize_with = "duration::<_, 100, MINUTE>")]
    pub timeout: Duration,
    /// The lease's TTL, after which another instance replaces one that failed: 2s to 5m.
    #[serde(deserialize_with = "duration::<_, { 2 * SECOND }, { 5 * MINUTE }>")]
    pub lease: Duration,
    /// The maximum number of entries in a stream: 0 to 1000000000; 0 for no limit.
    #[serde(deserialize_with = "entries")]
    pub stream_length: u64,
    /// The number of recent event ids kept to drop duplicates: 0 to 1000000; 0 for none.
    #[serde(deserialize_with = "event_ids")]
    pub dedup_window: u32,
    /// Certificates for `rediss://`.
    pub tls: Tls,
    /// The stream of each event type, after the namespace; all distinct.
    #[serde(deserialize_with = "streams")]
    pub streams: EventNames,
    /// The Pub/Sub channel of each event type, without the namespace.
    pub channels: EventNames,
    /// What a channel carries.
    pub pubsub: Pubsub,
}

/// Certificates for TLS connections to Redis, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authorities to trust instead of the system's.
    #[serde(deserialize_with = "pem_file")]
    pub ca: Option<PathBuf>,
    /// The client certificate; set together with `key`.
    #[serde(deserialize_with = "pem_file")]
    pub certificate: Option<PathBuf>,
    /// The client certificate's key.
    #[serde(deserialize_with = "pem_file")]
    pub key: Option<PathBuf>,
}

/// A name for each event type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventNames {
    /// For messages.
    #[serde(deserialize_with = "name")]
    pub message: String,
    /// For commands.
    #[serde(deserialize_with = "name")]
    pub command: String,
    /// For presses of buttons.
    #[serde(deserialize_with = "name")]
    pub button: String,
    /// For reactions.
    #[serde(deserialize_with = "name")]
    pub reaction: String,
}

/// What a channel carries. Streams always carry JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pubsub {
    /// The encoding of events.
    #[serde(deserialize_with = "choice")]
    pub encoding: Encoding,
    /// The Python classes of pickled events.
    #[serde(deserialize_with = "classes")]
    pub classes: PickleClasses,
}

/// The encoding of events on channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The event's JSON.
    Json,
    /// A pickle of the consumer's own classes.
    Pickle,
}

/// What a commit waits for, after the reply of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing more.
    None,
    /// The fsync of the Redis written to.
    Aof,
    /// The acknowledgement of this many replicas: 1 to 100.
    Replicas(u32),
}

/// The ways in which an event is delivered: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// To streams only.
    Stream,
    /// To channels only.
    Pubsub,
    /// To both.
    Both,
}

impl Delivery {
    /// Whether events go to streams.
    #[must_use]
    pub fn to_streams(self) -> bool {
        self != Self::Pubsub
    }

    /// Whether events go to channels.
    #[must_use]
    pub fn to_channels(self) -> bool {
        self != Self::Stream
    }
}

/// What happens to updates of types that are not routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unrouted {
    /// They are counted by type.
    Count,
    /// They are also kept raw in the dead-letter stream.
    DeadLetter,
}

impl Config {
    pub(crate) fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        if self.url.is_cluster() && self.durability != Durability::None {
            found.push(["bus.durability", "must be \"none\" with a cluster in", "bus.url"]);
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            found.push(["bus.tls.certificate", "must be set together with", "bus.tls.key"]);
        }
        let EventNames { message, command, button, reaction } = &self.streams;
        let streams = [
            ("bus.streams.message", message),
            ("bus.streams.command", command),
            ("bus.streams.button", button),
            ("bus.streams.reaction", reaction),
        ];
        for (index, (key, stream)) in streams.into_iter().enumerate() {
            if let Some((other, _)) = streams[..index].iter().find(|(_, other)| *other == stream) {
                found.push([key, "must differ from", other]);
            }
        }
        found
    }
}

fn delivery<'de, D: Deserializer<'de>>(from: D) -> Result<Delivery, D::Error> {
    let ways = Vec::<String>::deserialize(from).unwrap_or_default();
    match ways.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stream"] => Ok(Delivery::Stream),
        ["pubsub"] => Ok(Delivery::Pubsub),
        ["stream", "pubsub"] | ["pubsub", "stream"] => Ok(Delivery::Both),
        _ => Err(Error::custom("a list of one or more of \"stream\", \"pubsub\", each once")),
    }
}

fn durability<'de, D: Deserializer<'de>>(from: D) -> Result<Durability, D::Error> {
    text(from, "\"none\", \"aof\" or \"replicas=N\" with N from 1 to 100", |text| match text {
        "none" => Some(Durability::None),
        "aof" => Some(Durability::Aof),
        other => {
            let number = other.strip_prefix("replicas=")?.parse().ok()?;
            (1..=100).contains(&number).then_some(Durability::Replicas(number))
        }
    })
}

fn entries<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole(from, "entries", 0..=1_000_000_000)
}

fn event_ids<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    whole(from, "event ids", 0..=1_000_000)
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<BusUrl, D::Error> {
    text(from, BusUrl::EXPECTED, BusUrl::parse)
}

fn classes<'de, D: Deserializer<'de>>(from: D) -> Result<PickleClasses, D::Error> {
    text(from, PickleClasses::EXPECTED, PickleClasses::parse)
}

/// A part of a Redis name.
fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let is_unfit = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}');
    text(from, "a name in quotes, without spaces or braces", |text| {
        (!text.is_empty() && !text.contains(is_unfit)).then(|| text.to_owned())
    })
}

/// Stream names, none of which is reserved for the service's own keys.
fn streams<'de, D: Deserializer<'de>>(from: D) -> Result<EventNames, D::Error> {
    let reserved =
        ["dead-letter", "position", "lease", "seen", "skipped", "added", "marks", "names"];
    let streams = EventNames::deserialize(from)?;
    let EventNames { message, command, button, reaction } = &streams;
    for name in [message, command, button, reaction] {
        if let Some(first) = name.split(':').next().filter(|first| reserved.contains(first)) {
            let expected = format!("another name, as the service keeps \"{first}\" for itself");
            return Err(Error::custom(expected));
        }
    }
    Ok(streams)
}
