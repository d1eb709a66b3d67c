//! The scripts that write to the bus, each with the keys and settings that all of them take.

use redis::{Script, ScriptInvocation};

use super::{Config, Encoding, Entry, Keys, pickle::pickle};
use crate::event::{Event, EventType};

/// The scripts for one community's bus.
#[derive(Clone)]
pub(super) struct Scripts {
    keys: Keys,
    group_id: i64,
    settings: Config,
    acquire: Script,
    renew: Script,
    release: Script,
    commit: Script,
    requeue: Script,
}

/// A script below what these scripts have in common.
macro_rules! with_common {
    ($file:literal) => {
        Script::new(concat!(include_str!("lua/common.lua"), include_str!($file)))
    };
}

impl Scripts {
    pub(super) fn new(settings: &Config, group_id: i64) -> Self {
        Self {
            keys: Keys::new(settings, group_id),
            group_id,
            settings: settings.clone(),
            acquire: with_common!("lua/acquire.lua"),
            renew: Script::new(include_str!("lua/renew.lua")),
            release: Script::new(include_str!("lua/release.lua")),
            commit: with_common!("lua/commit.lua"),
            requeue: with_common!("lua/requeue.lua"),
        }
    }

    /// The key of the lease.
    pub(super) fn lease_key(&self) -> &str {
        &self.keys.lease
    }

    pub(super) fn acquire(&self) -> ScriptInvocation<'_> {
        self.with_common_arguments(&self.acquire)
    }

    pub(super) fn commit(&self) -> ScriptInvocation<'_> {
        self.with_common_arguments(&self.commit)
    }

    pub(super) fn requeue(&self) -> ScriptInvocation<'_> {
        self.with_common_arguments(&self.requeue)
    }

    pub(super) fn renew(&self) -> ScriptInvocation<'_> {
        let mut call = self.renew.key(&self.keys.position);
        call.key(&self.keys.lease);
        call
    }

    pub(super) fn release(&self) -> ScriptInvocation<'_> {
        self.release.key(&self.keys.lease)
    }

    fn with_common_arguments<'a>(&'a self, script: &'a Script) -> ScriptInvocation<'a> {
        let Self { keys, settings, .. } = self;
        let mut call = script.key(&keys.position);
        call.key(&keys.lease).key(&keys.seen).key(&keys.skipped).key(&keys.dead_letters);
        call.key(&keys.added).key(&keys.streams).key(&keys.marks);
        call.arg(self.group_id)
            .arg(settings.dedup_window)
            .arg(settings.stream_length)
            .arg(u8::from(settings.delivery.to_streams()))
            .arg(self.carried())
            .arg(&keys.channels);
        call
    }

    /// The entry of an event, in the forms in which this bus carries it.
    pub(super) fn entry(&self, event: &Event, unique: bool) -> Entry {
        let pubsub = &self.settings.pubsub;
        let is_pickled = self.carried() == OWN;
        let published = is_pickled.then(|| pickle(event, &pubsub.classes));
        Entry { published, ..Entry::new(event, unique) }
    }

    /// Adds events as the scripts take them.
    pub(super) fn add_entries(&self, call: &mut ScriptInvocation<'_>, entries: &[Entry]) {
        call.arg(entries.iter().map(digit).collect::<String>());
        let own = self.carried() == OWN;
        for entry in entries {
            call.arg(&entry.event_id).arg(&entry.data);
            if own {
                call.arg(entry.published.as_deref().unwrap_or(entry.data.as_bytes()));
            }
        }
    }

    /// What the channels carry, in the scripts' word.
    fn carried(&self) -> &'static str {
        match self.settings.pubsub.encoding {
            _ if !self.settings.delivery.to_channels() => "none",
            Encoding::Json => "data",
            Encoding::Pickle => OWN,
        }
    }
}

/// The channels carry something of each entry's own.
const OWN: &str = "own";

/// The place of an event's type in the scripts' lists, which start at 1 and follow [`EventType::ALL`]; 4
/// more where its id is not unique.
fn digit(entry: &Entry) -> char {
    match (entry.kind, entry.unique) {
        (EventType::Message, true) => '1',
        (EventType::Command, true) => '2',
        (EventType::Button, true) => '3',
        (EventType::Reaction, true) => '4',
        (EventType::Message, false) => '5',
        (EventType::Command, false) => '6',
        (EventType::Button, false) => '7',
        (EventType::Reaction, false) => '8',
    }
}
