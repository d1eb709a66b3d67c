//! The labels that metrics are counted by. Each has a fixed set of values, so that no metric can grow
//! without bound, and every series is there from the start.

use crate::{event::EventType, vk::Method};

/// What a metric is counted by.
pub trait Label: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// Every value.
    fn all() -> Vec<Self>;

    /// The label's name and the word for this value; several where two things are counted by at once.
    fn pairs(self) -> Vec<(&'static str, &'static str)>;
}

impl<A: Label, B: Label> Label for (A, B) {
    fn all() -> Vec<Self> {
        A::all().into_iter().flat_map(|a| B::all().into_iter().map(move |b| (a, b))).collect()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        [self.0.pairs(), self.1.pairs()].concat()
    }
}

impl Label for EventType {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![("type", self.as_str())]
    }
}

impl Label for Method {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![("method", self.as_str())]
    }
}

/// Defines a label and its values, each with its word.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident($label:literal) {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl Label for $name {
            fn all() -> Vec<Self> {
                vec![$(Self::$variant,)+]
            }

            fn pairs(self) -> Vec<(&'static str, &'static str)> {
                let word = match self {
                    $(Self::$variant => $word,)+
                };
                vec![($label, word)]
            }
        }
    };
}

label! {
    /// What came of a poll.
    PollOutcome("outcome") {
        /// Updates.
        Updates = "updates",
        /// Nothing happened while VK held the poll.
        Empty = "empty",
        /// `failed` 1: VK has lost a part of the queue.
        Outdated = "outdated",
        /// `failed` 2: a new key is needed; VK does that every few hours.
        KeyExpired = "key_expired",
        /// `failed` 3: VK has lost its queue.
        Lost = "lost",
        /// JSON that is no answer known.
        Unknown = "unknown",
        /// A body that is not whole JSON.
        Malformed = "malformed",
        /// No answer.
        Unreachable = "unreachable",
    }
}

label! {
    /// What came of an API call, by what the answer asks for.
    CallOutcome("outcome") {
        /// An answer.
        Ok = "ok",
        /// No answer that could be understood.
        Unreachable = "unreachable",
        /// An error that passes.
        Retry = "retry",
        /// An error that asks for a pause.
        BackOff = "back_off",
        /// An error that concerns only what was asked for.
        Skip = "skip",
        /// An error that stops the service.
        Fatal = "fatal",
    }
}

label! {
    /// A directory of names.
    Directory("directory") {
        /// Users.
        Users = "users",
        /// Communities.
        Communities = "communities",
        /// Titles of chats.
        Chats = "chats",
    }
}

label! {
    /// What the cache of names had.
    CacheResult("result") {
        /// An answer young enough.
        Hit = "hit",
        /// An answer that is used and asked for again.
        Stale = "stale",
        /// Nothing: the event waits for VK.
        Miss = "miss",
    }
}

label! {
    /// What Redis made of a commit.
    CommitOutcome("outcome") {
        /// It is done.
        Done = "done",
        /// It had been done before, and the answer was lost.
        Resent = "resent",
        /// Another instance has taken over.
        Fenced = "fenced",
        /// Redis has an older position than was committed.
        Behind = "behind",
        /// A consumer group is so far behind that its stream is full.
        Full = "full",
        /// No answer, or one that passes: it is sent again.
        Unclear = "unclear",
    }
}

label! {
    /// Why fetching had to begin again from the committed position.
    TenureEnd("reason") {
        /// Another instance has taken over.
        Fenced = "fenced",
        /// Redis has an older position than was committed.
        Behind = "behind",
        /// It stood still though nobody had failed: a bug.
        Stalled = "stalled",
    }
}

label! {
    /// A part of a batch's way.
    Stage("stage") {
        /// The updates are read.
        Read = "read",
        /// Names are waited for, and the events completed.
        Names = "names",
        /// Redis is waited for.
        Commit = "commit",
    }
}

/// Why an update is a dead letter: the code of its rejection, or that its type is not routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterCode(&'static str);

impl DeadLetterCode {
    const ALL: [&'static str; 7] =
        ["unreadable", "missing", "wrong_type", "no_identity", "foreign_group", "unrouted", OTHER];

    /// The label for a code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        Self(listed(&Self::ALL, code))
    }
}

impl Label for DeadLetterCode {
    fn all() -> Vec<Self> {
        Self::ALL.map(Self).to_vec()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![("reason", self.0)]
    }
}

/// A type of updates that is not routed; those that VK's list does not have are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateType(&'static str);

impl UpdateType {
    /// The label for a type as it stands in an update.
    #[must_use]
    pub fn of(kind: &str) -> Self {
        Self(listed(&UPDATE_TYPES, kind))
    }
}

impl Label for UpdateType {
    fn all() -> Vec<Self> {
        UPDATE_TYPES.map(Self).to_vec()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![("type", self.0)]
    }
}

const OTHER: &str = "other";

/// The word of a list, or that it is another.
fn listed(words: &[&'static str], word: &str) -> &'static str {
    words.iter().find(|&&it| it == word).unwrap_or(&OTHER)
}

/// The types of VK's Long Poll settings that do not become events.
const UPDATE_TYPES: [&str; 56] = [
    "app_payload",
    "audio_new",
    "board_post_delete",
    "board_post_edit",
    "board_post_new",
    "board_post_restore",
    "donut_money_withdraw",
    "donut_money_withdraw_error",
    "donut_subscription_cancelled",
    "donut_subscription_create",
    "donut_subscription_expired",
    "donut_subscription_price_changed",
    "donut_subscription_prolonged",
    "group_change_photo",
    "group_change_settings",
    "group_join",
    "group_leave",
    "group_officers_edit",
    "lead_forms_new",
    "like_add",
    "like_remove",
    "market_comment_delete",
    "market_comment_edit",
    "market_comment_new",
    "market_comment_restore",
    "market_order_edit",
    "market_order_new",
    "message_allow",
    "message_deny",
    "message_edit",
    "message_read",
    "message_reply",
    "message_typing_state",
    "photo_comment_delete",
    "photo_comment_edit",
    "photo_comment_new",
    "photo_comment_restore",
    "photo_new",
    "poll_vote_new",
    "user_block",
    "user_unblock",
    "video_comment_delete",
    "video_comment_edit",
    "video_comment_new",
    "video_comment_restore",
    "video_new",
    "vkpay_transaction",
    "wall_post_new",
    "wall_reply_delete",
    "wall_reply_edit",
    "wall_reply_new",
    "wall_reply_restore",
    "wall_repost",
    "wall_schedule_post_delete",
    "wall_schedule_post_new",
    OTHER,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converter::Rejection;

    #[test]
    fn every_rejection_is_counted_by_its_own_code() {
        let (field, reason) = ("object", String::new());
        for rejection in [
            Rejection::Unreadable { field, reason },
            Rejection::Missing(field),
            Rejection::WrongType { field, expected: "", found: "" },
            Rejection::NoIdentity { field, id: 0, problem: "" },
        ] {
            let code = rejection.code();
            assert_eq!(DeadLetterCode::of(code).pairs(), [("reason", code)]);
        }
    }

    #[test]
    fn a_type_that_vk_does_not_list_is_another() {
        assert_eq!(UpdateType::of("wall_post_new").pairs(), [("type", "wall_post_new")]);
        assert_eq!(UpdateType::of("made up by somebody").pairs(), [("type", "other")]);
    }
}
