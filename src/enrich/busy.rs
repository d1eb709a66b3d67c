//! Bounds what is looked up at the same time, and wakes those who wait for it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// Wakes the loops that make calls, when there is more to look up or a call has ended.
#[derive(Debug, Default)]
pub(super) struct Wake {
    /// Of the calls that events wait for.
    pub(super) event: Notify,
    /// Of the other calls.
    pub(super) background: Notify,
}

/// A number of places for what is looked up at the same time.
#[derive(Debug)]
pub(super) struct Busy {
    places: usize,
    taken: AtomicUsize,
    wake: Arc<Wake>,
}

impl Busy {
    pub(super) fn new(places: usize, wake: Arc<Wake>) -> Self {
        Self { places, taken: AtomicUsize::new(0), wake }
    }

    pub(super) fn is_free(&self) -> bool {
        self.taken.load(Ordering::Relaxed) < self.places
    }

    /// Whether no place is taken.
    pub(super) fn is_idle(&self) -> bool {
        self.taken.load(Ordering::Relaxed) == 0
    }

    /// Takes a place, if one is free.
    pub(super) fn enter(&self) -> Option<Place<'_>> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let place = Place(self);
        (taken < self.places).then_some(place)
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Busy);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        self.0.wake.event.notify_one();
        self.0.wake.background.notify_one();
    }
}
