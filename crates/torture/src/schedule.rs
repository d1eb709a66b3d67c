//! What goes wrong, and when: drawn from a seed, for each victim by itself.

use std::{ops::Range, time::Duration};

use harness::Flow;
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep_until};
use vk_simulator::Fault;

/// What a schedule is for. Each victim has draws of its own, so that how long one blow takes does
/// not change what comes to the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Victim {
    /// The one instance of the service.
    ServiceA,
    /// The other.
    ServiceB,
    /// Redis.
    Redis,
    /// The connections between them.
    Network,
    /// VK's Long Poll.
    Polls,
    /// VK's API.
    Calls,
}

/// What happens to a process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Blow {
    /// SIGKILL, and a start this much later.
    Kill(Duration),
    /// SIGSTOP, and SIGCONT this much later.
    Pause(Duration),
}

/// What happens to the connections to Redis.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// They are reset.
    Cut,
    /// The proxy lets pass only what this says, for a while, and may then reset them.
    Hold(Flow, Duration, bool),
}

/// Draws what goes wrong, until its end.
#[derive(Debug)]
pub(crate) struct Schedule {
    random: ChaCha8Rng,
    end: Instant,
}

impl Schedule {
    /// The schedule of a victim in the phase of this number.
    pub(crate) fn new(seed: u64, phase: u64, victim: Victim, end: Instant) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(phase << 8 | victim as u64);
        Self { random, end }
    }

    /// Waits some of these milliseconds; false where the end comes first.
    pub(crate) async fn goes_on(&mut self, millis: Range<u64>) -> bool {
        let next = Instant::now() + self.time(millis);
        sleep_until(next.min(self.end)).await;
        next < self.end
    }

    /// When all is over.
    pub(crate) fn end(&self) -> Instant {
        self.end
    }

    /// Something between these milliseconds.
    pub(crate) fn time(&mut self, millis: Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(millis))
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound.max(1))
    }

    /// A kill or a pause, each of up to so many milliseconds. A killed process may be back at once.
    pub(crate) fn blow(&mut self, longest_down: u64, longest_pause: u64) -> Blow {
        if self.random.random_bool(0.5) {
            return Blow::Pause(self.time(100..longest_pause));
        }
        let at_once = self.random.random_bool(0.3);
        Blow::Kill(if at_once { Duration::ZERO } else { self.time(100..longest_down) })
    }

    /// Something for the proxy to do.
    pub(crate) fn trouble(&mut self) -> Trouble {
        let then_cut = self.random.random_bool(0.5);
        match self.random.random_range(0..10) {
            0..3 => Trouble::Cut,
            3..5 => Trouble::Hold(Flow::HoldRequests, self.time(100..1500), then_cut),
            5..7 => Trouble::Hold(Flow::HoldReplies, self.time(100..1500), then_cut),
            7 => Trouble::Hold(Flow::HoldBoth, self.time(100..3000), then_cut),
            _ => Trouble::Hold(Flow::LoseReplies, self.time(50..400), false),
        }
    }

    /// A fault for polls, and how many in a row meet it. Three times the same damaged body is what
    /// the service salvages from.
    pub(crate) fn poll_fault(&mut self) -> (Fault, u32) {
        let fault = self.pick(POLL_FAULTS).clone();
        let damages = matches!(fault, Fault::CutText | Fault::TrailingComma);
        let times = if damages && self.random.random_bool(0.3) { 3 } else { 1 };
        (fault, times)
    }

    /// A fault for calls of a method, or of any (`api`).
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

/// Every kind of fault that the simulator has for polls, by weight. The heavy ones are rare: an
/// endless stall costs 11 seconds, and `failed` 1 and 3 make gaps.
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

/// The method that names a Long Poll server.
pub(crate) const LONG_POLL_SERVER: &str = "groups.getLongPollServer";
const MESSAGES: &str = "messages.getByConversationMessageId";

/// Faults for calls, by weight. Not here are errors that rightly end the service (such as 5), and
/// those that rightly let a method rest for minutes come only to the one that can do without.
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
