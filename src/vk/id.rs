//! The kinds of VK ids: users, chats, communities and e-mail guests share one number space.

/// Ids above this number are chats. The number itself is not in use.
const CHAT_BASE: i64 = 2_000_000_000;

/// The kind of a VK id (`peer_id`, `from_id`, `user_id`, `reacted_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A user, by user id.
    User(i64),
    /// A chat, by peer id (above 2 000 000 000).
    Chat(i64),
    /// A community, by its positive id; as a peer or an author VK writes it negative.
    Community(i64),
    /// A guest invited by e-mail, by the negative id (below -2 000 000 000) that VK gives it.
    Email(i64),
}

impl Identity {
    /// Classifies an id; none for 0 and 2 000 000 000, which are not in use.
    #[must_use]
    pub fn of(id: i64) -> Option<Self> {
        match id {
            0 | CHAT_BASE => None,
            1..CHAT_BASE => Some(Self::User(id)),
            CHAT_BASE.. => Some(Self::Chat(id)),
            ..0 if id >= -CHAT_BASE => Some(Self::Community(-id)),
            ..0 => Some(Self::Email(id)),
        }
    }

    /// The id as VK writes it: negative for communities and e-mail guests.
    #[must_use]
    pub fn id(self) -> i64 {
        match self {
            Self::User(id) | Self::Chat(id) | Self::Email(id) => id,
            Self::Community(id) => -id,
        }
    }

    /// The number of a chat within its community, as VK's chat methods take it; 0 for all others.
    #[must_use]
    pub fn chat_id(self) -> i64 {
        match self {
            Self::Chat(peer_id) => peer_id - CHAT_BASE,
            Self::User(_) | Self::Community(_) | Self::Email(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_begins_and_ends_where_vk_says() {
        for (id, expected) in [
            (i64::MIN, Some(Identity::Email(i64::MIN))),
            (-2_000_000_001, Some(Identity::Email(-2_000_000_001))),
            (-2_000_000_000, Some(Identity::Community(2_000_000_000))),
            (-1, Some(Identity::Community(1))),
            (0, None),
            (1, Some(Identity::User(1))),
            (1_999_999_999, Some(Identity::User(1_999_999_999))),
            (2_000_000_000, None),
            (2_000_000_001, Some(Identity::Chat(2_000_000_001))),
            (i64::MAX, Some(Identity::Chat(i64::MAX))),
        ] {
            assert_eq!(Identity::of(id), expected, "{id}");
            assert!(expected.is_none_or(|identity| identity.id() == id), "{id}");
        }
    }

    #[test]
    fn only_chats_have_a_chat_id() {
        let chat_id = |id| Identity::of(id).map(Identity::chat_id);
        assert_eq!(chat_id(2_000_000_002), Some(2));
        assert_eq!(chat_id(2), Some(0));
        assert_eq!(chat_id(-2), Some(0));
        assert_eq!(chat_id(-2_000_000_002), Some(0));
    }
}
