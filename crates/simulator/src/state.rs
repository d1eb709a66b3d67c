//! The state that both servers and the handle share.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::watch;

use crate::{
    Options,
    fault::{Fault, Faults},
    generator::Generator,
    key::Keys,
    limit::Limit,
    queue::Queue,
    settings::Settings,
    stats::Stats,
    world::World,
};

/// What changes while the servers run.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) queue: Queue,
    pub(crate) keys: Keys,
    pub(crate) world: World,
    pub(crate) generator: Generator,
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
    pub(crate) limit: Limit,
    pub(crate) stats: Stats,
}

/// The state behind its lock, with what tells of its changes.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// Where the Long Poll server listens: `http://HOST:PORT`.
    pub(crate) poll_origin: String,
    state: Mutex<State>,
    /// Received when a held poll has to look again.
    pub(crate) polls: watch::Sender<()>,
    /// Received when the counts have changed.
    pub(crate) counts: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn new(options: Options, poll_origin: String) -> Self {
        let world = World::new(&options);
        let state = State {
            queue: Queue::new(options.first_ts, options.retention, options.history),
            keys: Keys::new(options.seed, options.key_life),
            generator: Generator::new(&options, &world),
            world,
            settings: Settings::new(&options.token),
            faults: Faults::default(),
            limit: Limit::new(options.requests_per_second),
            stats: Stats::default(),
        };
        Self {
            options,
            poll_origin,
            state: Mutex::new(state),
            polls: watch::Sender::default(),
            counts: watch::Sender::default(),
        }
    }

    /// The state, also after a panic elsewhere: every change of it is whole before it can panic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the counts and tells of it.
    pub(crate) fn count<T>(&self, change: impl FnOnce(&mut Stats) -> T) -> T {
        let result = change(&mut self.lock().stats);
        self.counts.send_replace(());
        result
    }

    /// The counts with what is known elsewhere.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats { peak_calls_per_second: state.limit.peak(), ..state.stats.clone() }
    }

    /// The fault of a poll that has just come in.
    pub(crate) fn poll_fault(&self) -> Option<Fault> {
        let fault = self.lock().faults.for_poll();
        self.met(fault)
    }

    /// The fault of a call of `method` that has just come in. Such a call counts for the limit,
    /// but is not refused by it.
    pub(crate) fn call_fault(&self, method: &str) -> Option<Fault> {
        let fault = {
            let mut state = self.lock();
            let fault = state.faults.for_call(method);
            if fault.is_some() {
                state.limit.accept(Instant::now());
            }
            fault
        };
        self.met(fault)
    }

    fn met(&self, fault: Option<Fault>) -> Option<Fault> {
        if let Some(fault) = &fault {
            self.count(|stats| stats.count_fault(&fault.to_string()));
        }
        fault
    }

    /// Appends an update and returns its `ts`.
    pub(crate) fn push(&self, update: String) -> u64 {
        self.push_all([update])
    }

    /// Appends updates at once and returns the last one's `ts`.
    pub(crate) fn push_all(&self, updates: impl IntoIterator<Item = String>) -> u64 {
        let mut state = self.lock();
        for update in updates {
            state.queue.push(update);
        }
        let ts = state.queue.newest();
        drop(state);
        self.polls.send_replace(());
        ts
    }

    /// Appends up to `n` generated updates and returns their `ts`; those of a type that is
    /// switched off in the settings are not sent by VK.
    pub(crate) fn generate(&self, n: usize) -> Vec<u64> {
        let mut state = self.lock();
        let State { queue, world, generator, settings, .. } = &mut *state;
        let generated = std::iter::repeat_with(|| generator.next(world)).take(n);
        let sent = generated.filter(|update| settings.is_on(update.event_type));
        let numbers = sent.map(|update| queue.push(update.text)).collect();
        drop(state);
        self.polls.send_replace(());
        numbers
    }
}
