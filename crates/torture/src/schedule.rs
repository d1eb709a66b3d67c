//! The random schedule of faults, independent for each component.

use std::{ops::Range, time::Duration};

use harness::Flow;
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep_until};
use vk_simulator::Fault;

/// The target of a schedule. Each has a random stream of its own, so that the duration of one fault does
/// not change the schedules of the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Component {
    /// The first instance of the service.
    ServiceA,
    /// The second instance.
    ServiceB,
    /// Redis.
    Redis,
    /// The connections to Redis.
    Network,
    /// VK's Long Poll.
    Polls,
    /// VK's API.
    Calls,
}

/// A fault of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProcessFault {
    /// SIGKILL, and a restart after this time.
    Kill(Duration),
    /// SIGSTOP, and SIGCONT after this time.
    Pause(Duration),
}

/// A fault of the connections to Redis.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NetworkFault {
    /// Resets them.
    Cut,
    /// Restricts the proxy to this flow for some time; then resets the connections if true.
    Hold(Flow, Duration, bool),
}

/// Draws faults until its end.
#[derive(Debug)]
pub(crate) struct Schedule {
    random: ChaCha8Rng,
    end: Instant,
}

impl Schedule {
    /// The schedule of a component in a phase.
    pub(crate) fn new(seed: u64, phase: u64, component: Component, end: Instant) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(phase << 8 | component as u64);
        Self { random, end }
    }

    /// Waits for a random number of milliseconds. Returns false if the schedule ends before.
    pub(crate) async fn wait(&mut self, millis: Range<u64>) -> bool {
        let next = Instant::now() + self.time(millis);
        sleep_until(next.min(self.end)).await;
        next < self.end
    }

    /// When the schedule ends.
    pub(crate) fn end(&self) -> Instant {
        self.end
    }

    /// A random duration in milliseconds.
    pub(crate) fn time(&mut self, millis: Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(millis))
    }

    /// A random number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound.max(1))
    }

    /// A kill or a pause, each of at most so many milliseconds. A killed process may restart at once.
    pub(crate) fn process_fault(&mut self, longest_down: u64, longest_pause: u64) -> ProcessFault {
        if self.random.random_bool(0.5) {
            return ProcessFault::Pause(self.time(100..longest_pause));
        }
        let at_once = self.random.random_bool(0.3);
        ProcessFault::Kill(if at_once { Duration::ZERO } else { self.time(100..longest_down) })
    }

    /// A fault for the proxy.
    pub(crate) fn network_fault(&mut self) -> NetworkFault {
        let then_cut = self.random.random_bool(0.5);
        match self.random.random_range(0..10) {
            0..3 => NetworkFault::Cut,
            3..5 => NetworkFault::Hold(Flow::HoldRequests, self.time(100..1500), then_cut),
            5..7 => NetworkFault::Hold(Flow::HoldReplies, self.time(100..1500), then_cut),
            7 => NetworkFault::Hold(Flow::HoldBoth, self.time(100..3000), then_cut),
            _ => NetworkFault::Hold(Flow::LoseReplies, self.time(50..400), false),
        }
    }

    /// A fault for polls, and how many polls in a row meet it. The service salvages a body that is damaged in the
    /// same place three times.
    pub(crate) fn poll_fault(&mut self) -> (Fault, u32) {
        let fault = self.pick(POLL_FAULTS).clone();
        let damages = matches!(fault, Fault::CutText | Fault::TrailingComma);
        let times = if damages && self.random.random_bool(0.3) { 3 } else { 1 };
        (fault, times)
    }

    /// A fault for calls of a method, or of any method (`api`).
    pub(crate) fn call_fault(&mut self) -> (&'static str, Fault) {
        self.pick(CALL_FAULTS).clone()
    }

    fn pick<'a, T>(&mut self, of: &'a [(u32, T)]) -> &'a T {
        #[expect(clippy::expect_used, reason = "the lists below are not empty")]
        let (_, picked) =
            of.choose_weighted(&mut self.random, |(weight, _)| *weight).expect("some weights");
        picked
    }
}

/// All faults that the simulator has for polls, with weights. Expensive ones are rare: an endless stall
/// takes 11 seconds, and `failed` 1 and 3 cause gaps.
const POLL_FAULTS: &[(u32, Fault)] = &[
    (4, Fault::Status(502)),
    (2, Fault::Status(504)),
    (2, Fault::Status(403)),
    (2, Fault::Empty),
    (2, Fault::Html),
    (4, Fault::CutText),
    (4, Fault::CutConnection),
    (4, Fault::TrailingComma),
    (2, Fault::ContentType),
    (2, Fault::Gzip),
    (2, Fault::Drip(Duration::from_millis(300))),
    (2, Fault::Stall(Some(Duration::from_millis(1500)))),
    (1, Fault::Stall(None)),
    (4, Fault::ResetBefore),
    (4, Fault::ResetAfter),
    (1, Fault::Huge(1 << 20)),
    (1, Fault::Huge(40 << 20)),
    (6, Fault::Duplicate),
    (2, Fault::EarlyEmpty),
    (1, Fault::Failed(1)),
    (4, Fault::Failed(2)),
    (1, Fault::Failed(3)),
    (1, Fault::Failed(4)),
    (1, Fault::Failed(77)),
    (2, Fault::Error(10)),
    (1, Fault::Error(29)),
    (2, Fault::NoKeys),
];

/// The method that returns a Long Poll server.
pub(crate) const LONG_POLL_SERVER: &str = "groups.getLongPollServer";
const MESSAGES: &str = "messages.getByConversationMessageId";

/// Faults for API calls, with weights. Errors that end the service, such as 5, are excluded. Errors that
/// throttle a method for minutes are injected only into an optional method.
const CALL_FAULTS: &[(u32, (&str, Fault))] = &[
    (3, ("api", Fault::Status(502))),
    (2, ("api", Fault::Empty)),
    (2, ("api", Fault::Html)),
    (2, ("api", Fault::CutText)),
    (2, ("api", Fault::CutConnection)),
    (1, ("api", Fault::TrailingComma)),
    (1, ("api", Fault::ContentType)),
    (1, ("api", Fault::Gzip)),
    (1, ("api", Fault::Drip(Duration::from_millis(300)))),
    (2, ("api", Fault::Stall(Some(Duration::from_millis(1500))))),
    (1, ("api", Fault::Stall(None))),
    (2, ("api", Fault::ResetBefore)),
    (2, ("api", Fault::ResetAfter)),
    (1, ("api", Fault::Huge(1 << 20))),
    (1, ("api", Fault::Failed(2))),
    (1, ("api", Fault::Error(1))),
    (2, ("api", Fault::Error(6))),
    (3, ("api", Fault::Error(10))),
    (1, ("api", Fault::Error(13))),
    (1, ("api", Fault::NoKeys)),
    (2, (LONG_POLL_SERVER, Fault::Error(10))),
    (2, (LONG_POLL_SERVER, Fault::ResetAfter)),
    (2, (LONG_POLL_SERVER, Fault::Html)),
    (2, ("users.get", Fault::Error(113))),
    (2, ("users.get", Fault::CutConnection)),
    (2, ("groups.getById", Fault::Error(10))),
    (2, ("messages.getConversationsById", Fault::Error(917))),
    (1, (MESSAGES, Fault::Error(9))),
    (1, (MESSAGES, Fault::Error(14))),
    (1, (MESSAGES, Fault::Error(29))),
    (1, ("execute", Fault::Error(10))),
    (1, ("execute", Fault::Error(13))),
    (2, ("execute", Fault::CutConnection)),
];
