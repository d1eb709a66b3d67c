//! The sections of the configuration, as the rest of the service sees them: checked values.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use reqwest::Url;
use secrecy::SecretString;

use super::{bus_url::BusUrl, pickle_classes::PickleClasses};

/// All settings that have a default.
#[derive(Debug, Clone)]
pub struct Config {
    /// How VK is spoken to.
    pub vk: Vk,
    /// How an update becomes an event.
    pub converter: Converter,
    /// The cache of names.
    pub names: Names,
    /// The bus on which events leave.
    pub bus: Bus,
    /// The port that tells whether the service works.
    pub http: Http,
    /// What is told about the service's own work.
    pub log: Log,
}

/// The right to fetch a community's events.
#[derive(Debug, Clone)]
pub struct Access {
    /// The community's number; above 0.
    pub group_id: i64,
    /// Its access token; fit for an HTTP header.
    pub token: SecretString,
}

/// How VK is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vk {
    /// Where API methods are found; ends with a slash.
    pub api_url: Url,
    /// The version of the API, such as `5.199`.
    pub api_version: String,
    /// The language of names.
    pub lang: Lang,
    /// How long VK may hold a poll open; whole seconds.
    pub wait: Duration,
    /// How long one API call may take.
    pub timeout: Duration,
    /// The most API calls in a second; above 0.
    pub requests_per_second: u32,
}

/// How an update becomes an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converter {
    /// A message that begins with one of these is a command; none of them is empty.
    pub command_prefixes: Vec<String>,
    /// Whether replies and forwarded messages carry their author's id.
    pub reply_author: bool,
}

/// The cache of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// How many users are kept.
    pub users: u64,
    /// How many chats are kept, and as many communities.
    pub chats: u64,
    /// How long VK's answers are believed.
    pub ages: Ages,
    /// What happens to events of an id whose look-up keeps failing when it is asked for alone.
    pub unresolved: Unresolved,
    /// How long such an id is asked for before that applies.
    pub unresolved_after: Duration,
}

/// How long VK's answers are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// The age from which a name is refreshed behind its use.
    pub fresh: Duration,
    /// The age from which a name is not used any more; no shorter than `fresh`.
    pub stale: Duration,
    /// How long VK's "unknown" is believed; no longer than `fresh`.
    pub unknown: Duration,
}

/// The bus on which events leave.
#[derive(Debug, Clone)]
pub struct Bus {
    /// Where it is.
    pub url: BusUrl,
    /// The password for it, when `url` does not carry one.
    pub password: Option<SecretString>,
    /// Certificates for `rediss://`.
    pub tls: Tls,
    /// The hash tag that all keys begin with, without its braces.
    pub namespace: String,
    /// What a commit waits for.
    pub durability: Durability,
    /// The ways an event goes out.
    pub delivery: Delivery,
    /// What becomes of updates that are no event.
    pub unrouted: Unrouted,
    /// How long Redis may take to answer.
    pub timeout: Duration,
    /// The term after which a silent fetcher is replaced.
    pub lease: Duration,
    /// How many entries a stream may hold; 0 for any number.
    pub stream_length: u64,
    /// How many recent event ids are remembered to drop repeats; 0 for none.
    pub repeat_window: u32,
    /// The stream of each event type, after the namespace; all distinct.
    pub streams: EventNames,
    /// The channel of each event type.
    pub channels: EventNames,
    /// What a channel carries.
    pub pubsub: Encoding,
}

/// What a commit waits for, beyond Redis' word that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing more.
    None,
    /// The disk of the Redis written to.
    Aof,
    /// So many replicas.
    Replicas(u32),
}

/// Certificates for a Redis that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The authorities to trust instead of the system's, as a PEM file.
    pub ca: Option<PathBuf>,
    /// What to show to a Redis that wants to know its clients.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, as a PEM file.
    pub certificate: PathBuf,
    /// Its key, as a PEM file.
    pub key: PathBuf,
}

/// A name for each event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNames {
    /// For messages.
    pub message: String,
    /// For commands.
    pub command: String,
    /// For presses of buttons.
    pub button: String,
    /// For reactions.
    pub reaction: String,
}

/// The port that tells whether the service works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http {
    /// The address to serve at; none for no port.
    pub listen: Option<SocketAddr>,
    /// Whether it shows a page, and what is on it as JSON.
    pub page: bool,
}

/// What is told about the service's own work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A level or a filter, which `tracing_subscriber::EnvFilter` is known to accept.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// A value chosen from a few words.
pub(super) trait Choice: Copy + 'static {
    /// Every value, in the order in which they are told.
    const ALL: &'static [Self];

    /// The word for it in the configuration.
    fn name(self) -> &'static str;
}

/// Defines an enum whose variants each have a word in the configuration.
macro_rules! choice {
    ($(#[$doc:meta])* $view:vis enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $view enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

choice! {
    /// A language in which VK gives names.
    pub enum Lang {
        /// Russian.
        Ru = "ru",
        /// Ukrainian.
        Ua = "ua",
        /// Belarusian.
        Be = "be",
        /// English.
        En = "en",
        /// Spanish.
        Es = "es",
        /// Finnish.
        Fi = "fi",
        /// German.
        De = "de",
        /// Italian.
        It = "it",
    }
}

impl Lang {
    /// The language as VK's `lang` parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.name()
    }
}

choice! {
    /// One way an event goes out.
    pub(super) enum Way {
        /// A Redis stream.
        Stream = "stream",
        /// A Pub/Sub channel.
        Pubsub = "pubsub",
    }
}

/// The ways an event goes out: at least one.
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

choice! {
    /// A form in which a channel carries an event.
    pub(super) enum Form {
        /// The event's JSON.
        Json = "json",
        /// A pickle of Python objects.
        Pickle = "pickle",
    }
}

/// What a channel carries. Streams carry JSON always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    /// The event's JSON.
    Json,
    /// A pickle of the reader's own classes.
    Pickle(PickleClasses),
}

choice! {
    /// What happens to events of an id whose look-up keeps failing when it is asked for alone.
    pub enum Unresolved {
        /// They go out as those of an id that VK does not know.
        Deliver = "deliver",
        /// They wait, and all events behind them.
        Wait = "wait",
    }
}

choice! {
    /// What becomes of updates that are no event.
    pub enum Unrouted {
        /// They are counted by type.
        Count = "count",
        /// They are also kept raw among the dead letters.
        DeadLetter = "dead-letter",
    }
}

choice! {
    /// How a line of the log looks.
    pub enum LogFormat {
        /// `Journald` under systemd, `Text` on a terminal, else `Json`.
        Auto = "auto",
        /// For people.
        Text = "text",
        /// For log collectors.
        Json = "json",
        /// For systemd's journal.
        Journald = "journald",
    }
}
