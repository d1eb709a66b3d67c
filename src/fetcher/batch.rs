//! The unit of everything after a poll.

use tokio::time::Instant;

use crate::ts::Ts;

/// What a raw update needs in memory beside its text, in bytes; an estimate.
const UPDATE_OVERHEAD: usize = 256;

/// What VK answered to one poll, or to several in a row that are committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<T = Vec<Box<str>>> {
    /// The updates, in VK's order and in the form of a stage: first as JSON texts.
    pub updates: T,
    /// The position after the updates.
    pub ts: Ts,
    /// The updates that VK reports as lost before or between these.
    pub gaps: Vec<Gap>,
    /// When the answer to each poll arrived. The session, which knows no clock, leaves it empty.
    pub received: Vec<Instant>,
}

impl<T> Batch<T> {
    /// A batch without gaps.
    #[must_use]
    pub fn new(updates: T, ts: Ts) -> Self {
        Self { updates, ts, gaps: Vec::new(), received: Vec::new() }
    }

    /// The same batch with the updates in another form.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Batch<U> {
        let Self { updates, ts, gaps, received } = self;
        Batch { updates: convert(updates), ts, gaps, received }
    }
}

impl Batch {
    /// A move of the position without updates.
    #[must_use]
    pub fn position_only(ts: Ts, gap: Option<Gap>) -> Self {
        Self { gaps: Vec::from_iter(gap), ..Self::new(Vec::new(), ts) }
    }

    /// The memory that the updates need, in bytes; an estimate.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.updates.iter().map(|update| update.len() + UPDATE_OVERHEAD).sum()
    }
}

/// Updates that VK reports as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last position before the gap.
    pub from: Ts,
    /// The position after it.
    pub to: Ts,
    /// How VK reported it.
    pub cause: GapCause,
}

impl Gap {
    /// The number of updates that may be missing, by the positions: an estimate.
    #[must_use]
    pub fn updates_lost(&self) -> u64 {
        self.to.since(self.from)
    }
}

/// How VK reports a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum GapCause {
    /// The history is outdated or partly lost.
    #[strum(to_string = "failed 1")]
    Outdated,
    /// Information is lost.
    #[strum(to_string = "failed 3")]
    Lost,
}
