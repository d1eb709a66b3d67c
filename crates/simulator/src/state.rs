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

/// The state that changes while the servers run.
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

/// The state behind its lock, with notifications of its changes.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// The address of the Long Poll server: `http://HOST:PORT`.
    pub(crate) poll_origin: String,
    state: Mutex<State>,
    /// Notifies held polls of new updates.
    pub(crate) polls: watch::Sender<()>,
    /// Notifies of changed statistics.
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

    /// Locks the state, even after a panic elsewhere: every change completes before it can panic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the statistics and notifies of it.
    pub(crate) fn count<T>(&self, change: impl FnOnce(&mut Stats) -> T) -> T {
        let result = change(&mut self.lock().stats);
        self.counts.send_replace(());
        result
    }

    /// The statistics, completed with values of other parts.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats { peak_calls_per_second: state.limit.peak(), ..state.stats.clone() }
    }

    /// Takes the fault for a poll.
    pub(crate) fn poll_fault(&self) -> Option<Fault> {
        let fault = self.lock().faults.for_poll();
        self.met(fault)
    }

    /// Takes the fault for a call of `method`. Such a call counts for the rate limit but is not rejected by
    /// it.
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

    /// Counts the calls of an `execute` and takes their faults: the error of each call, or the first fault of
    /// another kind, which applies to the whole.
    pub(crate) fn faults_in_execute(&self, calls: &[String]) -> (Option<Fault>, Vec<Option<i64>>) {
        self.count(|stats| calls.iter().for_each(|method| stats.count_call_in_execute(method)));
        let mut errors = Vec::new();
        for method in calls {
            let fault = self.lock().faults.for_method(method);
            match self.met(fault) {
                Some(Fault::Error(code)) => errors.push(Some(code)),
                Some(whole) => {
                    self.lock().limit.accept(Instant::now());
                    return (Some(whole), Vec::new());
                }
                None => errors.push(None),
            }
        }
        (None, errors)
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

    /// Draws `n` updates, appends those whose type is switched on in the settings, and returns their `ts`.
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
