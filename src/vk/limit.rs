//! Limits the rate of API calls: all calls by a sliding window, one method by the back-off VK asks for.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::{Instant, sleep, sleep_until},
};

use super::Method;
use crate::ops::retry::Backoff;

const WINDOW: Duration = Duration::from_secs(1);

/// The first pause of a method after VK's flood control or the method's own limit ...
const THROTTLE: Duration = Duration::from_secs(60);
/// ... and the longest.
const THROTTLE_CAP: Duration = Duration::from_secs(30 * 60);

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// An event waits for it.
    Event,
    /// Nothing waits for it: it leaves a slot free for an event, and takes at most half of all slots.
    Background,
}

/// A sliding-window log rate limiter of `n` calls a second, in
/// [this](https://www.figma.com/blog/an-alternative-approach-to-rate-limiting/) sense: it keeps a time for
/// each of the last `n` calls, and a call waits until the oldest of them is a window ago.
///
/// VK counts calls when they arrive, so spacing the departures would not be enough: the network may bunch
/// them. The log therefore holds the time at which the *response* was received. A call arrived before that,
/// so no more than `n` calls can arrive within any second on VK's clock.
///
/// A lone call starts at once if any slot is free. Calls of events in quick
/// succession are spaced evenly once more
/// than half of the slots are in use: slots that are used in one burst would all become free in one, and until
/// then no call could be made.
#[derive(Debug)]
pub(super) struct RateLimiter {
    limit: u32,
    log: AsyncMutex<Log>,
    /// The slots that background calls need in addition.
    background: AsyncMutex<Log>,
    paused_until: Mutex<Instant>,
}

/// The slots that no call holds.
#[derive(Debug)]
struct Log {
    /// When each slot becomes free, the oldest first.
    free_from: VecDeque<Instant>,
    released: mpsc::UnboundedReceiver<Instant>,
    release: mpsc::UnboundedSender<Instant>,
    /// When a slot was last reserved.
    last: Instant,
}

impl RateLimiter {
    /// A limiter of `limit` calls a second.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            log: AsyncMutex::new(Log::of(limit)),
            background: AsyncMutex::new(Log::of((limit / 2).max(1))),
            paused_until: Mutex::new(Instant::now()),
        }
    }

    /// Waits for a slot: behind earlier calls of the same priority, and in the background behind all calls of
    /// events. Dropping the future returns the slot.
    pub(super) async fn reserve(&self, priority: Priority) -> Reservation {
        match priority {
            Priority::Event => self.reserve_for_event().await,
            Priority::Background => self.reserve_in_background().await,
        }
    }

    async fn reserve_for_event(&self) -> Reservation {
        let mut log = self.log.lock().await;
        let slot = log.next().await;
        if (log.free() + 1) * 2 < self.limit as usize {
            sleep_until(log.last + WINDOW / self.limit).await;
        }
        self.resumed().await;
        log.last = Instant::now();
        Reservation { slot, background: None }
    }

    async fn reserve_in_background(&self) -> Reservation {
        let background = Some(self.background.lock().await.next().await);
        let enough = self.limit.min(2) as usize;
        loop {
            self.resumed().await;
            {
                // A call of an event holds this lock while it waits.
                let mut log = self.log.lock().await;
                if log.free() >= enough {
                    return Reservation { slot: log.next().await, background };
                }
            }
            sleep(WINDOW / self.limit).await;
        }
    }

    /// Waits until no pause is left.
    async fn resumed(&self) {
        loop {
            let resume = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            if resume <= Instant::now() {
                return;
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
    fn of(slots: u32) -> Self {
        let (release, released) = mpsc::unbounded_channel();
        let now = Instant::now();
        Self { free_from: vec![now; slots as usize].into(), released, release, last: now }
    }

    /// Takes the oldest slot and waits until it is free.
    async fn next(&mut self) -> Slot {
        self.collect();
        let free_from = match self.free_from.pop_front() {
            Some(free_from) => free_from,
            None => match self.released.recv().await {
                Some(free_from) => free_from,
                None => unreachable!("the log holds a sender itself, so its channel stays open"),
            },
        };
        let slot = Slot { free_from, is_used: false, release: self.release.clone() };
        sleep_until(free_from).await;
        slot
    }

    /// How many slots are free now.
    fn free(&mut self) -> usize {
        self.collect();
        let now = Instant::now();
        self.free_from.iter().filter(|free_from| **free_from <= now).count()
    }

    fn collect(&mut self) {
        while let Ok(free_from) = self.released.try_recv() {
            // One that was not used returns earlier than its turn.
            let place = self.free_from.partition_point(|other| *other <= free_from);
            self.free_from.insert(place, free_from);
        }
    }
}

/// A slot of a log. Dropping it returns it.
#[derive(Debug)]
struct Slot {
    free_from: Instant,
    is_used: bool,
    release: mpsc::UnboundedSender<Instant>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let free_from = if self.is_used { Instant::now() + WINDOW } else { self.free_from };
        // Without its log nobody needs the slot.
        let _ = self.release.send(free_from);
    }
}

/// The slots for one call. Dropping it, after the response, returns them.
#[derive(Debug)]
pub(super) struct Reservation {
    slot: Slot,
    background: Option<Slot>,
}

impl Reservation {
    /// Marks that the request is sent now.
    pub(super) fn start(&mut self) {
        self.slot.is_used = true;
        if let Some(slot) = &mut self.background {
            slot.is_used = true;
        }
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
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_free_again_a_second_after_the_response() {
        let limiter = RateLimiter::new(2);
        let start = Instant::now();
        let mut first = limiter.reserve(Priority::Event).await;
        first.start();
        let mut second = limiter.reserve(Priority::Event).await;
        second.start();
        assert_eq!(start.elapsed(), Duration::ZERO);
        tokio::time::advance(Duration::from_millis(300)).await;
        drop(first);
        let _third = limiter.reserve(Priority::Event).await;
        assert_eq!(start.elapsed(), Duration::from_millis(1300));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_than_the_limit_arrive_within_a_second_however_late_the_responses() {
        let limiter = RateLimiter::new(3);
        let mut arrivals = Vec::new();
        for n in 0..40_u64 {
            let priority = if n % 3 == 0 { Priority::Background } else { Priority::Event };
            let mut reservation = limiter.reserve(priority).await;
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
            limiter.reserve(Priority::Event).await.start();
            starts.push(Instant::now());
        }
        assert_eq!(starts[5] - start, Duration::ZERO);
        for pair in starts[10..].windows(2) {
            assert!(pair[1] - pair[0] <= WINDOW / 5, "{:?}", pair[1] - pair[0]);
        }
        assert!(starts.len() >= 50, "{}", starts.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lone_call_starts_at_once_while_any_slot_is_free() {
        let limiter = RateLimiter::new(10);
        for _ in 0..9 {
            limiter.reserve(Priority::Event).await.start();
        }
        tokio::time::advance(WINDOW / 10).await;
        let start = Instant::now();
        limiter.reserve(Priority::Event).await.start();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn background_calls_take_half_of_the_slots_and_leave_one_for_an_event() {
        let limiter = RateLimiter::new(10);
        let start = Instant::now();
        for _ in 0..5 {
            limiter.reserve(Priority::Background).await.start();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        {
            let sixth = limiter.reserve(Priority::Background);
            assert!(tokio::time::timeout(WINDOW / 2, sixth).await.is_err());
        }
        for _ in 0..4 {
            limiter.reserve(Priority::Event).await.start();
            tokio::time::advance(WINDOW / 10).await;
        }
        // One slot is free: it is an event's, though background calls have used their share a window ago.
        let background = limiter.reserve(Priority::Background);
        assert!(tokio::time::timeout(Duration::from_millis(1), background).await.is_err());
        let now = Instant::now();
        limiter.reserve(Priority::Event).await.start();
        assert_eq!(now.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn background_calls_wait_behind_those_of_events() {
        let limiter = Arc::new(RateLimiter::new(2));
        let mut held =
            [limiter.reserve(Priority::Event).await, limiter.reserve(Priority::Event).await];
        held.iter_mut().for_each(Reservation::start);
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = [Priority::Background, Priority::Event, Priority::Event]
            .map(|priority| {
                let (limiter, order) = (limiter.clone(), order.clone());
                tokio::spawn(async move {
                    limiter.reserve(priority).await.start();
                    order.lock().unwrap().push(priority);
                })
            })
            .into();
        tokio::task::yield_now().await;
        drop(held);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(
            *order.lock().unwrap(),
            [Priority::Event, Priority::Event, Priority::Background]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_or_abandoned_reservation_takes_no_slot() {
        let limiter = RateLimiter::new(1);
        let start = Instant::now();
        drop(limiter.reserve(Priority::Event).await);
        let mut reservation = limiter.reserve(Priority::Event).await;
        reservation.start();
        drop(reservation);
        assert!(
            tokio::time::timeout(Duration::from_millis(10), limiter.reserve(Priority::Event))
                .await
                .is_err()
        );
        let _reservation = limiter.reserve(Priority::Event).await;
        assert_eq!(start.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_delays_every_call() {
        let limiter = RateLimiter::new(5);
        let start = Instant::now();
        limiter.pause(Duration::from_secs(4));
        limiter.pause(Duration::from_secs(2));
        let _reservation = limiter.reserve(Priority::Event).await;
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }
}
