//! The Lua scripts that write to the bus, and the arguments they share.

use redis::{Script, ScriptInvocation};

use super::{Config, Encoding, Keys, StreamEntry, pickle::pickle};
use crate::event::{Event, EventType};

/// The scripts of one community's bus.
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

/// A script with `common.lua` prepended.
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

    /// The lease's key.
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
            .arg(self.channel_payload())
            .arg(&keys.channels);
        call
    }

    /// Encodes an event as this bus carries it.
    pub(super) fn entry(&self, event: &Event, unique: bool) -> StreamEntry {
        let pubsub = &self.settings.pubsub;
        let is_pickled = self.channel_payload() == OWN;
        let published = is_pickled.then(|| pickle(event, &pubsub.classes));
        StreamEntry { published, ..StreamEntry::new(event, unique) }
    }

    /// Appends events to the arguments: a digit per event, then each event's arguments.
    pub(super) fn add_entries(&self, call: &mut ScriptInvocation<'_>, entries: &[StreamEntry]) {
        call.arg(entries.iter().map(digit).collect::<String>());
        let own = self.channel_payload() == OWN;
        for entry in entries {
            call.arg(&entry.event_id).arg(&entry.data);
            if own {
                call.arg(entry.published.as_deref().unwrap_or(entry.data.as_bytes()));
            }
        }
    }

    /// What the channels carry, as `common.lua` names it.
    fn channel_payload(&self) -> &'static str {
        match self.settings.pubsub.encoding {
            _ if !self.settings.delivery.to_channels() => "none",
            Encoding::Json => "data",
            Encoding::Pickle => OWN,
        }
    }
}

/// The channels carry a payload per event.
const OWN: &str = "own";

/// The index of the event's type in [`EventType::ALL`], from 1; plus 4 if its id is not unique.
fn digit(entry: &StreamEntry) -> char {
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
