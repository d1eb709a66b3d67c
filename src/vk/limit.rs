//! VK's limit of API calls a second, kept so that no delay on the way can break it.
//!
//! VK counts calls as they arrive, 20 a second for a community's token. A limiter that spaces
//! *departures* still breaks the limit when the network bunches them. Here a place is used again
//! only one second after the *answer* to its call came back, so of `n` places no more than `n`
//! calls can arrive within any second on VK's own clock.
//!
//! While at least half of the places are free, a call goes at once. Below that calls are spaced evenly:
//! places used up in one burst would all come back in one, and what comes up in the second between could
//! join no call.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::{Instant, sleep_until},
};

const WINDOW: Duration = Duration::from_secs(1);

/// A fixed number of places, each taken by one call and for a second after its answer.
#[derive(Debug)]
pub(super) struct Limit {
    places: u32,
    queue: AsyncMutex<Queue>,
    back: mpsc::UnboundedSender<Instant>,
    paused_until: Mutex<Instant>,
}

/// The places that no call has, by when each is free.
#[derive(Debug)]
struct Queue {
    waiting: VecDeque<Instant>,
    back: mpsc::UnboundedReceiver<Instant>,
    /// When a place was last given away.
    last: Instant,
}

impl Limit {
    /// A limit of `calls` a second.
    pub(super) fn new(calls: u32) -> Self {
        let (back, returned) = mpsc::unbounded_channel();
        let now = Instant::now();
        let waiting = vec![now; calls as usize].into();
        let queue = AsyncMutex::new(Queue { waiting, back: returned, last: now });
        Self { places: calls, queue, back, paused_until: Mutex::new(now) }
    }

    /// Waits for a place; first come, first served. Dropping the future gives nothing away.
    pub(super) async fn place(&self) -> Place<'_> {
        let mut queue = self.queue.lock().await;
        let free_from = queue.next().await;
        let place = Place { limit: self, free_from, used: false };
        sleep_until(free_from).await;
        if (queue.free() + 1) * 2 < self.places as usize {
            sleep_until(queue.last + WINDOW / self.places).await;
        }
        loop {
            let resume = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            if resume <= Instant::now() {
                queue.last = Instant::now();
                return place;
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

impl Queue {
    /// Takes a place out and tells when it is free.
    async fn next(&mut self) -> Instant {
        self.take_back();
        if let Some(free_from) = self.waiting.pop_front() {
            return free_from;
        }
        let Some(free_from) = self.back.recv().await else {
            unreachable!("the limit holds a sender itself, so its channel stays open")
        };
        free_from
    }

    /// How many places are free now.
    fn free(&mut self) -> usize {
        self.take_back();
        let now = Instant::now();
        self.waiting.iter().filter(|free_from| **free_from <= now).count()
    }

    fn take_back(&mut self) {
        while let Ok(free_from) = self.back.try_recv() {
            self.waiting.push_back(free_from);
        }
    }
}

/// The right to make one call; given back when dropped, after the answer.
#[derive(Debug)]
pub(super) struct Place<'a> {
    limit: &'a Limit,
    free_from: Instant,
    used: bool,
}

impl Place<'_> {
    /// Marks that a request goes out now.
    pub(super) fn start(&mut self) {
        self.used = true;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let free_from = if self.used { Instant::now() + WINDOW } else { self.free_from };
        // The receiver lives as long as the limit that this place borrows.
        let _ = self.limit.back.send(free_from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_again_a_second_after_its_answer() {
        let limit = Limit::new(2);
        let start = Instant::now();
        let mut first = limit.place().await;
        first.start();
        let mut second = limit.place().await;
        second.start();
        assert_eq!(start.elapsed(), Duration::ZERO);
        tokio::time::advance(Duration::from_millis(300)).await;
        drop(first);
        let _third = limit.place().await;
        assert_eq!(start.elapsed(), Duration::from_millis(1300));
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_calls_than_places_whatever_the_answers_take() {
        let limit = Limit::new(3);
        let mut arrivals = Vec::new();
        for n in 0..40_u64 {
            let mut place = limit.place().await;
            place.start();
            // The request is on its way for a while, then VK counts it, then the answer returns.
            tokio::time::advance(Duration::from_millis(n * 37 % 90)).await;
            arrivals.push(Instant::now());
            tokio::time::advance(Duration::from_millis(n * 11 % 50)).await;
        }
        for window in arrivals.windows(4) {
            assert!(window[3] - window[0] > WINDOW, "four calls within a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_without_end_are_spaced_and_few_go_at_once() {
        let limit = Limit::new(10);
        let start = Instant::now();
        let mut starts = Vec::new();
        while start.elapsed() < Duration::from_secs(5) {
            limit.place().await.start();
            starts.push(Instant::now());
        }
        assert_eq!(starts[5] - start, Duration::ZERO);
        for pair in starts[10..].windows(2) {
            assert!(pair[1] - pair[0] <= WINDOW / 5, "{:?}", pair[1] - pair[0]);
        }
        assert!(starts.len() >= 50, "{}", starts.len());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_or_abandoned_place_costs_nothing() {
        let limit = Limit::new(1);
        let start = Instant::now();
        drop(limit.place().await);
        let mut place = limit.place().await;
        place.start();
        drop(place);
        assert!(tokio::time::timeout(Duration::from_millis(10), limit.place()).await.is_err());
        let _place = limit.place().await;
        assert_eq!(start.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everyone_back() {
        let limit = Limit::new(5);
        let start = Instant::now();
        limit.pause(Duration::from_secs(4));
        limit.pause(Duration::from_secs(2));
        let _place = limit.place().await;
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }
}
