//! Builds the sections from the merged layers, in the order of `Fetcher.toml`.
//!
//! Every value of a section is read before any is used, so that one mistake does not hide another.

use std::{ops::RangeInclusive, time::Duration};

use secrecy::SecretString;

use super::{
    bus_url::BusUrl,
    pickle_classes::PickleClasses,
    problem::Problem,
    reader::Reader,
    secrets::{REDIS_PASSWORD, TOKEN},
    sections::{
        Access, Ages, Bus, ClientCertificate, Config, Converter, Delivery, Durability, Encoding,
        EventNames, Form, Http, Log, Names, Tls, Vk, Way,
    },
    value::{
        self, boolean, choice, choices, durability, duration, listen, log_filter, method_url, name,
        password, path, stream_name, texts, token, version, whole, whole_seconds,
    },
};

const AGES: RangeInclusive<Duration> = seconds(1)..=seconds(365 * 24 * 60 * 60);

pub(super) fn access(reader: &mut Reader) -> Option<Access> {
    reader.require(
        "vk.group_id",
        "set GROUPID in the environment, or group_id under [vk] in Fetcher.toml".to_owned(),
    );
    let group_id = group_id(reader);
    let token = access_token(reader);
    Some(Access { group_id: group_id?, token: token? })
}

/// The community's number, where it is set.
pub(super) fn group_id(reader: &mut Reader) -> Option<i64> {
    reader.read("vk.group_id", value::group_id)
}

pub(super) fn access_token(reader: &mut Reader) -> Option<SecretString> {
    reader.require(TOKEN.key, TOKEN.places());
    reader.read_hidden(TOKEN.key, token, |_| "***".to_owned())
}

pub(super) fn config(reader: &mut Reader) -> Option<Config> {
    let vk = vk(reader);
    let converter = converter(reader);
    let names = names(reader);
    let bus = bus(reader);
    let pickled = bus.as_ref().is_some_and(|it| it.pubsub != Encoding::Json);
    if pickled && converter.as_ref().is_some_and(|it| !it.reply_author) {
        // The predecessor's Reply has an author, always.
        reader.contradiction("bus.pubsub.encoding", "does not go with", "converter.reply_author");
    }
    let http = http(reader);
    let log = log(reader);
    Some(Config {
        vk: vk?,
        converter: converter?,
        names: names?,
        bus: bus?,
        http: http?,
        log: log?,
    })
}

fn vk(reader: &mut Reader) -> Option<Vk> {
    let api_url = reader.read("vk.api_url", method_url);
    let api_version = reader.read("vk.api_version", version);
    let lang = reader.read("vk.lang", choice);
    let wait = reader.read("vk.wait", whole_seconds(seconds(1)..=seconds(90)));
    let timeout = reader.read("vk.timeout", duration(seconds(1)..=seconds(60)));
    let requests_per_second =
        reader.read("vk.requests_per_second", whole("requests a second", 1..=20));
    Some(Vk {
        api_url: api_url?,
        api_version: api_version?,
        lang: lang?,
        wait: wait?,
        timeout: timeout?,
        requests_per_second: requests_per_second?,
    })
}

fn converter(reader: &mut Reader) -> Option<Converter> {
    let command_prefixes = reader.read("converter.command_prefixes", texts);
    let reply_author = reader.read("converter.reply_author", boolean);
    Some(Converter { command_prefixes: command_prefixes?, reply_author: reply_author? })
}

fn names(reader: &mut Reader) -> Option<Names> {
    let users = reader.read("names.users", whole("users", 1000..=10_000_000));
    let chats = reader.read("names.chats", whole("chats", 100..=10_000_000));
    let fresh = reader.read("names.fresh", duration(AGES));
    let stale = reader.read("names.stale", duration(AGES));
    let unknown = reader.read("names.unknown", duration(AGES));
    let unresolved = reader.read("names.unresolved", choice);
    let unresolved_after =
        reader.read("names.unresolved_after", duration(seconds(1)..=seconds(60 * 60)));
    if stale.zip(fresh).is_some_and(|(stale, fresh)| stale < fresh) {
        reader.contradiction("names.stale", "must not be shorter than", "names.fresh");
    }
    if unknown.zip(fresh).is_some_and(|(unknown, fresh)| unknown > fresh) {
        reader.contradiction("names.unknown", "must not be longer than", "names.fresh");
    }
    let ages = Ages { fresh: fresh?, stale: stale?, unknown: unknown? };
    Some(Names {
        users: users?,
        chats: chats?,
        ages,
        unresolved: unresolved?,
        unresolved_after: unresolved_after?,
    })
}

fn http(reader: &mut Reader) -> Option<Http> {
    let listen = reader.read("http.listen", listen);
    let page = reader.read("http.page", boolean);
    Some(Http { listen: listen?, page: page? })
}

fn bus(reader: &mut Reader) -> Option<Bus> {
    let url = reader.read_hidden("bus.url", BusUrl::parse, BusUrl::to_string);
    let password = reader.read_hidden(REDIS_PASSWORD.key, password, |_| "***".to_owned());
    if password.is_some() && url.as_ref().is_some_and(BusUrl::has_password) {
        reader.problem(Problem::Twice {
            key: REDIS_PASSWORD.key,
            first: format!("bus.url ({})", reader.origin_of("bus.url")),
            second: reader.origin_of(REDIS_PASSWORD.key),
            advice: "take it out of bus.url".to_owned(),
        });
    }
    let namespace = reader.read("bus.namespace", name);
    let durability = reader.read("bus.durability", durability);
    if url.as_ref().is_some_and(BusUrl::is_cluster)
        && durability.is_some_and(|it| it != Durability::None)
    {
        reader.contradiction("bus.durability", "must be \"none\" with a cluster in", "bus.url");
    }
    let delivery = reader.read("bus.delivery", delivery);
    let unrouted = reader.read("bus.unrouted", choice);
    let timeout = reader.read("bus.timeout", duration(Duration::from_millis(100)..=seconds(60)));
    let lease = reader.read("bus.lease", duration(seconds(2)..=seconds(5 * 60)));
    let stream_length = reader.read("bus.stream_length", whole("entries", 0..=1_000_000_000));
    let repeat_window = reader.read("bus.repeat_window", whole("event ids", 0..=1_000_000));
    let tls = tls(reader);
    let streams = streams(reader);
    let channels = channels(reader);
    let pubsub = pubsub(reader);
    Some(Bus {
        url: url?,
        password,
        tls: tls?,
        durability: durability?,
        namespace: namespace?,
        delivery: delivery?,
        unrouted: unrouted?,
        timeout: timeout?,
        lease: lease?,
        stream_length: stream_length?,
        repeat_window: repeat_window?,
        streams: streams?,
        channels: channels?,
        pubsub: pubsub?,
    })
}

fn tls(reader: &mut Reader) -> Option<Tls> {
    let ca = reader.read("bus.tls.ca", path)?;
    let certificate = reader.read("bus.tls.certificate", path)?;
    let key = reader.read("bus.tls.key", path)?;
    if certificate.is_some() != key.is_some() {
        reader.contradiction("bus.tls.certificate", "must be set together with", "bus.tls.key");
    }
    let client =
        certificate.zip(key).map(|(certificate, key)| ClientCertificate { certificate, key });
    Some(Tls { ca, client })
}

fn delivery(value: &figment::value::Value) -> Result<Delivery, String> {
    let ways = choices(value)?;
    Ok(match ways.as_slice() {
        [Way::Stream] => Delivery::Stream,
        [Way::Pubsub] => Delivery::Pubsub,
        _ => Delivery::Both,
    })
}

fn streams(reader: &mut Reader) -> Option<EventNames> {
    let named = [
        "bus.streams.message",
        "bus.streams.command",
        "bus.streams.button",
        "bus.streams.reaction",
    ]
    .map(|key| (key, reader.read(key, stream_name)));
    for (index, (key, stream)) in named.iter().enumerate() {
        let taken = |(_, other): &&(_, Option<String>)| stream.is_some() && other == stream;
        if let Some((other, _)) = named[..index].iter().find(taken) {
            reader.contradiction(key, "must differ from", other);
        }
    }
    event_names(named.map(|(_, name)| name))
}

fn channels(reader: &mut Reader) -> Option<EventNames> {
    let keys = [
        "bus.channels.message",
        "bus.channels.command",
        "bus.channels.button",
        "bus.channels.reaction",
    ];
    event_names(keys.map(|key| reader.read(key, name)))
}

fn pubsub(reader: &mut Reader) -> Option<Encoding> {
    let form = reader.read("bus.pubsub.encoding", choice);
    let classes = reader.read("bus.pubsub.classes", PickleClasses::parse);
    let classes = classes?;
    Some(match form? {
        Form::Json => Encoding::Json,
        Form::Pickle => Encoding::Pickle(classes),
    })
}

fn event_names([message, command, button, reaction]: [Option<String>; 4]) -> Option<EventNames> {
    Some(EventNames { message: message?, command: command?, button: button?, reaction: reaction? })
}

fn log(reader: &mut Reader) -> Option<Log> {
    let level = reader.read("log.level", log_filter);
    let format = reader.read("log.format", choice);
    Some(Log { level: level?, format: format? })
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
