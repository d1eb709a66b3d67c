//! The Long Poll queue of a community: updates with their `ts`.

use std::{collections::VecDeque, sync::Arc};

/// The content of the queue after a client's `ts`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The body of a reply, the number of its updates and the `ts` it leads to.
    Updates { body: String, count: usize, ts: u64 },
    /// Nothing new yet.
    Nothing,
    /// The `ts` is older than the kept updates, or newer than the newest.
    Lost,
}

/// Updates in order, each one `ts` after the one before, kept as JSON text.
#[derive(Debug)]
pub(crate) struct Queue {
    newest: u64,
    kept: VecDeque<Arc<str>>,
    retention: usize,
    history: Option<Vec<(u64, Arc<str>)>>,
    /// A `ts` newer than the newest gets no updates instead of `failed: 1`.
    hides_future: bool,
}

impl Queue {
    pub(crate) fn new(first_ts: u64, retention: usize, history: bool) -> Self {
        Self {
            newest: first_ts,
            kept: VecDeque::new(),
            retention,
            history: history.then(Vec::new),
            hides_future: false,
        }
    }

    /// Appends one update and returns its `ts`.
    pub(crate) fn push(&mut self, update: String) -> u64 {
        let update: Arc<str> = update.into();
        self.newest += 1;
        if let Some(history) = &mut self.history {
            history.push((self.newest, Arc::clone(&update)));
        }
        self.kept.push_back(update);
        if self.kept.len() > self.retention {
            self.kept.pop_front();
        }
        self.newest
    }

    /// The `ts` of the newest update.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Every update pushed so far, including those no longer kept; empty without history.
    pub(crate) fn history(&self) -> &[(u64, Arc<str>)] {
        self.history.as_deref().unwrap_or_default()
    }

    /// Drops the updates, as VK does when it answers `failed: 3`, and continues from `first_ts`.
    pub(crate) fn reset(&mut self, first_ts: u64) {
        self.kept.clear();
        self.newest = first_ts;
    }

    /// Drops the updates and continues from `first_ts`; from now on a `ts` from the future gets no updates.
    pub(crate) fn rewind(&mut self, first_ts: u64) {
        self.reset(first_ts);
        self.hides_future = true;
    }

    /// At most `limit` updates after `ts`. With `repeat`, the update of `ts` itself precedes them again, if it is
    /// still kept.
    pub(crate) fn page(&self, ts: u64, limit: usize, repeat: bool) -> Page {
        if self.hides_future && ts > self.newest {
            return Page::Nothing;
        }
        let Some(behind) = self.newest.checked_sub(ts).and_then(|lag| usize::try_from(lag).ok())
        else {
            return Page::Lost;
        };
        let Some(start) = self.kept.len().checked_sub(behind) else {
            return Page::Lost;
        };
        if behind == 0 {
            return Page::Nothing;
        }
        let count = behind.min(limit);
        let ts = ts + count as u64;
        let first = if repeat { start.saturating_sub(1) } else { start };
        let updates = self.kept.range(first..start + count);
        let size: usize = updates.clone().map(|update| update.len() + 1).sum();
        let mut body = String::with_capacity(size + 48);
        body.push_str(&head(ts));
        for (index, update) in updates.enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(update);
        }
        body.push_str("]}");
        Page::Updates { body, count: start + count - first, ts }
    }
}

/// The reply without updates, which does not move the `ts`.
pub(crate) fn empty_reply(ts: u64) -> String {
    head(ts) + "]}"
}

fn head(ts: u64) -> String {
    format!(r#"{{"ts":"{ts}","updates":["#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of_five() -> Queue {
        let mut queue = Queue::new(10, 3, true);
        for number in 1..=5 {
            queue.push(number.to_string());
        }
        queue
    }

    fn body(page: Page) -> String {
        match page {
            Page::Updates { body, .. } => body,
            other => panic!("no updates: {other:?}"),
        }
    }

    #[test]
    fn each_update_is_one_ts_and_a_page_ends_at_its_last() {
        let queue = queue_of_five();
        assert_eq!(body(queue.page(12, 100, false)), r#"{"ts":"15","updates":[3,4,5]}"#);
        assert_eq!(body(queue.page(13, 1, false)), r#"{"ts":"14","updates":[4]}"#);
        assert_eq!(queue.page(15, 100, false), Page::Nothing);
    }

    #[test]
    fn a_ts_before_what_is_kept_or_from_the_future_is_lost() {
        let queue = queue_of_five();
        assert_eq!(queue.page(11, 100, false), Page::Lost);
        assert_eq!(queue.page(16, 100, false), Page::Lost);
    }

    #[test]
    fn after_a_rewind_a_ts_from_the_future_gets_nothing() {
        let mut queue = queue_of_five();
        queue.rewind(5);
        assert_eq!(queue.page(15, 100, false), Page::Nothing);
        queue.push("6".to_owned());
        assert_eq!(body(queue.page(5, 100, false)), r#"{"ts":"6","updates":[6]}"#);
        assert_eq!(queue.page(4, 100, false), Page::Lost);
    }

    #[test]
    fn a_repeat_brings_the_update_before_once_more() {
        let queue = queue_of_five();
        assert_eq!(body(queue.page(14, 100, true)), r#"{"ts":"15","updates":[4,5]}"#);
        assert_eq!(body(queue.page(12, 100, true)), r#"{"ts":"15","updates":[3,4,5]}"#);
    }

    #[test]
    fn history_outlives_retention_and_reset() {
        let mut queue = queue_of_five();
        queue.reset(100);
        queue.push("6".to_owned());
        let history: Vec<_> = queue.history().iter().map(|(ts, update)| (*ts, &**update)).collect();
        assert_eq!(history, [(11, "1"), (12, "2"), (13, "3"), (14, "4"), (15, "5"), (101, "6")]);
    }
}
