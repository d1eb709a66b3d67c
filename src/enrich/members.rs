//! The chats whose members are to be read before they write.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use super::query::lock;
use crate::vk::MEMBERS_A_CALL;

/// So many members of a chat are read at most.
const MOST_MEMBERS: usize = 5000;
/// When a chat is read again after a call that failed for a transient reason.
const RETRY: Duration = Duration::from_secs(60);
/// When a chat is read again that the community may not read.
const DENIED: Duration = Duration::from_secs(24 * 3600);

/// Which chats are to be read, and which are not to be read again yet.
pub(super) struct Members {
    chats: Mutex<Chats>,
    /// The most chats that are remembered.
    capacity: usize,
    /// When a chat is read again.
    ttl: Duration,
}

#[derive(Default)]
struct Chats {
    wanted: HashMap<i64, Wanted>,
    /// When each chat may be read again.
    read_from: HashMap<i64, Instant>,
}

#[derive(Default)]
struct Wanted {
    /// The events of authors whose names were not known.
    strangers: u32,
    /// The members read already.
    from: usize,
}

impl Members {
    pub(super) fn new(capacity: u64, ttl: Duration) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        Self { chats: Mutex::default(), capacity, ttl }
    }

    /// Somebody whose name is not known writes in a chat. Returns whether that chat is now wanted.
    pub(super) fn stranger_in(&self, chat: i64) -> bool {
        let chats = &mut *self.chats();
        if let Some(wanted) = chats.wanted.get_mut(&chat) {
            wanted.strangers = wanted.strangers.saturating_add(1);
            return false;
        }
        let now = Instant::now();
        if chats.read_from.get(&chat).is_some_and(|from| *from > now) {
            return false;
        }
        if chats.wanted.len() + chats.read_from.len() >= self.capacity {
            chats.read_from.retain(|_, from| *from > now);
            if chats.wanted.len() + chats.read_from.len() >= self.capacity {
                return false;
            }
        }
        chats.wanted.insert(chat, Wanted { strangers: 1, from: 0 });
        true
    }

    /// The number of chats to read.
    pub(super) fn wanted(&self) -> usize {
        self.chats().wanted.len()
    }

    /// The chats of the next call, those with the most strangers first, each with the number of members read
    /// already.
    pub(super) fn dequeue(&self, most: usize) -> Vec<(i64, usize)> {
        let Chats { wanted, read_from } = &mut *self.chats();
        let retry = Instant::now() + RETRY;
        let mut next: Vec<_> =
            wanted.iter().map(|(chat, it)| (Reverse(it.strangers), *chat, it.from)).collect();
        next.sort_unstable();
        next.truncate(most);
        for (_, chat, _) in &next {
            wanted.remove(chat);
            read_from.insert(*chat, retry);
        }
        next.into_iter().map(|(_, chat, from)| (chat, from)).collect()
    }

    /// A page of a chat was read, after the first `from` members.
    pub(super) fn was_read(&self, chat: i64, from: usize, more: bool) {
        let chats = &mut *self.chats();
        let from = from + MEMBERS_A_CALL;
        if more && from < MOST_MEMBERS {
            chats.read_from.remove(&chat);
            chats.wanted.insert(chat, Wanted { strangers: 0, from });
        } else {
            chats.read_from.insert(chat, Instant::now() + self.ttl);
        }
    }

    /// The community may not read a chat.
    pub(super) fn is_denied(&self, chat: i64) {
        self.chats().read_from.insert(chat, Instant::now() + DENIED);
    }

    fn chats(&self) -> MutexGuard<'_, Chats> {
        lock(&self.chats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn the_chat_with_the_most_strangers_is_read_first_and_once_an_hour() {
        let members = Members::new(100, HOUR);
        assert!(members.stranger_in(1));
        assert!(members.stranger_in(2));
        assert!(!members.stranger_in(2));
        assert_eq!(members.dequeue(1), [(2, 0)]);
        members.was_read(2, 0, false);
        assert!(!members.stranger_in(2));
        assert_eq!(members.dequeue(5), [(1, 0)]);
        tokio::time::advance(HOUR).await;
        assert!(members.stranger_in(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_chat_is_read_page_by_page_up_to_a_limit() {
        let members = Members::new(100, HOUR);
        members.stranger_in(1);
        let mut pages = 0;
        while let [(chat, from)] = members.dequeue(5)[..] {
            assert_eq!(from, pages * MEMBERS_A_CALL);
            pages += 1;
            members.was_read(chat, from, true);
        }
        assert_eq!(pages * MEMBERS_A_CALL, MOST_MEMBERS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_chat_is_remembered_and_a_failed_one_is_read_again() {
        let members = Members::new(100, HOUR);
        members.stranger_in(1);
        members.stranger_in(2);
        assert_eq!(members.dequeue(5).len(), 2);
        members.is_denied(1);
        tokio::time::advance(2 * RETRY).await;
        assert!(!members.stranger_in(1));
        assert!(members.stranger_in(2));
        tokio::time::advance(DENIED).await;
        assert!(members.stranger_in(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_remembered_chats_is_bounded() {
        let members = Members::new(100, HOUR);
        (0..1000).for_each(|chat| _ = members.stranger_in(chat));
        assert_eq!(members.wanted(), 100);
        members.dequeue(100);
        assert!(!members.stranger_in(2000));
        tokio::time::advance(RETRY).await;
        assert!(members.stranger_in(2000));
    }
}
