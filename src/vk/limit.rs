//! Limits the rate of API calls: all calls by a sliding window, one method by the back-off VK asks for.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::{Instant, sleep_until},
};

use super::Method;
use crate::ops::retry::Backoff;

const WINDOW: Duration = Duration::from_secs(1);

/// The first pause of a method after VK's flood control or the method's own limit ...
const THROTTLE: Duration = Duration::from_secs(60);
/// ... and the longest.
const THROTTLE_CAP: Duration = Duration::from_secs(30 * 60);

/// A sliding-window log rate limiter of `n` calls a second, in
/// [this](https://www.figma.com/blog/an-alternative-approach-to-rate-limiting/) sense: it keeps a time for
/// each of the last `n` calls, and a call waits until the oldest of them is a window ago.
///
/// VK counts calls when they arrive, so spacing the departures would not be enough: the network may bunch
/// them. The log therefore holds the time at which the *response* was received. A call arrived before that,
/// so no more than `n` calls can arrive within any second on VK's clock.
///
/// While at least half of the `n` slots are free, calls start at once. Otherwise they are spaced evenly:
/// slots that are used in one burst would all become free in one, and until then no call could be made.
#[derive(Debug)]
pub(super) struct RateLimiter {
    limit: u32,
    log: AsyncMutex<Log>,
    released: mpsc::UnboundedSender<Instant>,
    paused_until: Mutex<Instant>,
}

/// The slots that no call holds.
#[derive(Debug)]
struct Log {
    /// When each slot becomes free, the oldest first.
    free_from: VecDeque<Instant>,
    released: mpsc::UnboundedReceiver<Instant>,
    /// When a slot was last reserved.
    last: Instant,
}

impl RateLimiter {
    /// A limiter of `limit` calls a second.
    pub(super) fn new(limit: u32) -> Self {
        let (sender, released) = mpsc::unbounded_channel();
        let now = Instant::now();
        let free_from = vec![now; limit as usize].into();
        let log = AsyncMutex::new(Log { free_from, released, last: now });
        Self { limit, log, released: sender, paused_until: Mutex::new(now) }
    }

    /// Waits for a slot, in the order of the callers. Dropping the future returns the slot.
    pub(super) async fn reserve(&self) -> Reservation<'_> {
        let mut log = self.log.lock().await;
        let free_from = log.next().await;
        let reservation = Reservation { limiter: self, free_from, is_used: false };
        sleep_until(free_from).await;
        if (log.free() + 1) * 2 < self.limit as usize {
            sleep_until(log.last + WINDOW / self.limit).await;
        }
        loop {
            let resume = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            if resume <= Instant::now() {
                log.last = Instant::now();
                return reservation;
            }
            sleep_until(resume).await;
        }
    }

    /// Lets no call start for `duration` from now.
    pub(super) fn pause(&self, duration: Duration) {
        let mut until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Instant::now() + duration);
    }
}

impl Log {
    /// Takes the oldest slot out, and returns when it becomes free.
    async fn next(&mut self) -> Instant {
        self.collect();
        if let Some(free_from) = self.free_from.pop_front() {
            return free_from;
        }
        let Some(free_from) = self.released.recv().await else {
            unreachable!("the limiter holds a sender itself, so its channel stays open")
        };
        free_from
    }

    /// How many slots are free now.
    fn free(&mut self) -> usize {
        self.collect();
        let now = Instant::now();
        self.free_from.iter().filter(|free_from| **free_from <= now).count()
    }

    fn collect(&mut self) {
        while let Ok(free_from) = self.released.try_recv() {
            self.free_from.push_back(free_from);
        }
    }
}

/// A slot for one call. Dropping it, after the response, returns it.
#[derive(Debug)]
pub(super) struct Reservation<'a> {
    limiter: &'a RateLimiter,
    free_from: Instant,
    is_used: bool,
}

impl Reservation<'_> {
    /// Marks that the request is sent now.
    pub(super) fn start(&mut self) {
        self.is_used = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let free_from = if self.is_used { Instant::now() + WINDOW } else { self.free_from };
        // The receiver lives as long as the limiter that this slot borrows.
        let _ = self.limiter.released.send(free_from);
    }
}

/// The methods that VK asked to pause, each with a growing back-off.
#[derive(Debug, Default)]
pub(super) struct Throttles(Mutex<HashMap<Method, Throttle>>);

#[derive(Debug)]
struct Throttle {
    until: Instant,
    backoff: Backoff,
}

impl Throttles {
    /// Pauses `method`, and returns for how long.
    pub(super) fn apply_backoff(&self, method: Method) -> Duration {
        let mut throttles = self.lock();
        let throttle = throttles.entry(method).or_insert_with(|| Throttle {
            until: Instant::now(),
            backoff: Backoff::new(THROTTLE, THROTTLE_CAP),
        });
        let pause = throttle.backoff.fail();
        throttle.until = Instant::now() + pause;
        pause
    }

    /// A call of `method` succeeded.
    pub(super) fn reset(&self, method: Method) {
        self.lock().remove(&method);
    }

    /// The end of the pause of `method`, if there is one and it is not over.
    pub(super) fn until(&self, method: Method) -> Option<Instant> {
        self.lock().get(&method).map(|it| it.until).filter(|until| *until > Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Method, Throttle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_free_again_a_second_after_the_response() {
        let limiter = RateLimiter::new(2);
        let start = Instant::now();
        let mut first = limiter.reserve().await;
        first.start();
        let mut second = limiter.reserve().await;
        second.start();
        assert_eq!(start.elapsed(), Duration::ZERO);
        tokio::time::advance(Duration::from_millis(300)).await;
        drop(first);
        let _third = limiter.reserve().await;
        assert_eq!(start.elapsed(), Duration::from_millis(1300));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_than_the_limit_arrive_within_a_second_however_late_the_responses() {
        let limiter = RateLimiter::new(3);
        let mut arrivals = Vec::new();
        for n in 0..40_u64 {
            let mut reservation = limiter.reserve().await;
            reservation.start();
            // The request takes a while, then VK counts it, then the response returns.
            tokio::time::advance(Duration::from_millis(n * 37 % 90)).await;
            arrivals.push(Instant::now());
            tokio::time::advance(Duration::from_millis(n * 11 % 50)).await;
        }
        for window in arrivals.windows(4) {
            assert!(window[3] - window[0] > WINDOW, "four calls within a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_calls_are_spaced_and_few_start_at_once() {
        let limiter = RateLimiter::new(10);
        let start = Instant::now();
        let mut starts = Vec::new();
        while start.elapsed() < Duration::from_secs(5) {
            limiter.reserve().await.start();
            starts.push(Instant::now());
        }
        assert_eq!(starts[5] - start, Duration::ZERO);
        for pair in starts[10..].windows(2) {
            assert!(pair[1] - pair[0] <= WINDOW / 5, "{:?}", pair[1] - pair[0]);
        }
        assert!(starts.len() >= 50, "{}", starts.len());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_or_abandoned_reservation_takes_no_slot() {
        let limiter = RateLimiter::new(1);
        let start = Instant::now();
        drop(limiter.reserve().await);
        let mut reservation = limiter.reserve().await;
        reservation.start();
        drop(reservation);
        assert!(tokio::time::timeout(Duration::from_millis(10), limiter.reserve()).await.is_err());
        let _reservation = limiter.reserve().await;
        assert_eq!(start.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_delays_every_call() {
        let limiter = RateLimiter::new(5);
        let start = Instant::now();
        limiter.pause(Duration::from_secs(4));
        limiter.pause(Duration::from_secs(2));
        let _reservation = limiter.reserve().await;
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }
}
