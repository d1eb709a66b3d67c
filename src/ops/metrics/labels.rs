//! The labels that metrics are counted by. Each label has a fixed set of values, so that no metric grows
//! without bound.
//!
//! The derive of `EncodeLabelValue` writes a variant's name as it stands; Prometheus' labels are written in
//! snake case, which `strum` derives.

use std::fmt::{self, Write};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use strum::{IntoStaticStr, VariantArray};

/// The values of the labels that belong to a stage: the stages pass them as text, and whoever puts the
/// service together knows all of them.
#[derive(Debug, Clone, Default)]
pub struct LabelValues {
    /// The types of events.
    pub event_types: Vec<&'static str>,
    /// Why an update can become a dead letter.
    pub dead_letter_reasons: Vec<&'static str>,
    /// The methods of VK's API in use.
    pub vk_methods: Vec<&'static str>,
}

/// The result of a poll of VK's Long Poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum PollOutcome {
    /// Updates.
    Updates,
    /// Nothing happened while VK held the poll.
    Empty,
    /// `failed` 1: VK has lost a part of the queue.
    Outdated,
    /// `failed` 2: a new key is needed; VK asks for that every few hours.
    KeyExpired,
    /// `failed` 3: VK has lost its queue.
    Lost,
    /// JSON of a shape that is not known.
    Unknown,
    /// A body that is not complete JSON.
    Malformed,
    /// No answer.
    Unreachable,
}

/// The result of a call of VK's API: success, or the class of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CallOutcome {
    /// VK answered with a response.
    Ok,
    /// No answer, or none that could be decoded.
    Unreachable,
    /// An error that passes: the call is repeated.
    TransientError,
    /// A rate limit, flood control or a captcha (errors 6, 9, 14, 29, 3300): the method is paused.
    Throttled,
    /// An error that concerns only the ids asked for: they are taken as unknown.
    Rejected,
    /// An error that stops the service until the operator has acted.
    PermanentError,
}

/// A cache of looked-up objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Cache {
    /// Users.
    Users,
    /// Communities.
    Communities,
    /// Titles of chats.
    Chats,
}

/// The result of a look-up in a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CacheResult {
    /// An entry within its soft TTL.
    Hit,
    /// An entry within its hard TTL: it is used, and refreshed in the background.
    Stale,
    /// No entry: the event waits for VK.
    Miss,
}

/// The result of a commit sent to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CommitOutcome {
    /// The batches are on the bus.
    Ok,
    /// They were on the bus already: the answer to an earlier try had been lost.
    AlreadyDone,
    /// Another instance has the lease.
    Fenced,
    /// Redis has an older position than was committed.
    RolledBack,
    /// A stream is full of entries that a consumer group has yet to read: it is sent again.
    StreamFull,
    /// No answer, or a transient error: it is sent again.
    Retried,
}

/// Why a lease term ended before the service was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LeaseTermEnd {
    /// Another instance has the lease.
    Fenced,
    /// Redis has an older position than was committed.
    RolledBack,
    /// The work stalled though no dependency was failing: a bug.
    Stalled,
}

/// A stage that a batch passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// The updates are parsed.
    Parse,
    /// Look-ups are awaited, and the events completed.
    Enrich,
    /// Redis' answer is awaited.
    Commit,
}

/// Implements `EncodeLabelValue` by the value's snake-case word.
macro_rules! encode_in_snake_case {
    ($($label:ty),+ $(,)?) => {
        $(impl EncodeLabelValue for $label {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                encoder.write_str(self.into())
            }
        })+
    };
}

encode_in_snake_case!(
    PollOutcome,
    CallOutcome,
    Cache,
    CacheResult,
    CommitOutcome,
    LeaseTermEnd,
    Stage,
);

/// Labels of `polls`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PollLabels {
    /// The poll's result.
    pub outcome: PollOutcome,
}

/// Labels of `lease_term_ends`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LeaseTermEndLabels {
    /// Why the lease term ended.
    pub reason: LeaseTermEnd,
}

/// Labels of what is counted by a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TypeLabels {
    /// The type of an event or of an update.
    pub r#type: &'static str,
}

/// Labels of `dead_letters`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeadLetterLabels {
    /// The code of the rejection.
    pub reason: &'static str,
}

/// Labels of `commits`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CommitLabels {
    /// The commit's result.
    pub outcome: CommitOutcome,
}

/// Labels of `stage_duration`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StageLabels {
    /// The stage.
    pub stage: Stage,
}

/// Labels of `vk_api_calls`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    /// The method's name in VK's API.
    pub method: &'static str,
    /// The call's result.
    pub outcome: CallOutcome,
}

/// Labels of `vk_api_rate_limit_wait`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MethodLabels {
    /// The method's name in VK's API.
    pub method: &'static str,
}

/// Labels of `cache_lookups`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CacheLabels {
    /// The cache.
    pub cache: Cache,
    /// The look-up's result.
    pub result: CacheResult,
}

/// Labels of `names_unresolved`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DirectoryLabels {
    /// The cache that the look-up is for.
    pub cache: Cache,
}

/// The label value of every other type.
const OTHER: &str = "other";

/// The types of VK's Long Poll settings that do not become events.
const UPDATE_TYPES: &str = "app_payload audio_new board_post_delete board_post_edit board_post_new board_post_restore \
    donut_money_withdraw donut_money_withdraw_error donut_subscription_cancelled \
    donut_subscription_create donut_subscription_expired donut_subscription_price_changed \
    donut_subscription_prolonged group_change_photo group_change_settings group_join \
    group_leave group_officers_edit lead_forms_new like_add like_remove market_comment_delete \
    market_comment_edit market_comment_new market_comment_restore market_order_edit \
    market_order_new message_allow message_deny message_edit message_read message_reply \
    message_typing_state photo_comment_delete photo_comment_edit photo_comment_new \
    photo_comment_restore photo_new poll_vote_new user_block user_unblock video_comment_delete \
    video_comment_edit video_comment_new video_comment_restore video_new vkpay_transaction \
    wall_post_new wall_reply_delete wall_reply_edit wall_reply_new wall_reply_restore \
    wall_repost wall_schedule_post_delete wall_schedule_post_new";

/// The label values of update types.
pub(super) fn update_types() -> impl Iterator<Item = &'static str> {
    UPDATE_TYPES.split(' ').chain([OTHER])
}

/// The label value for an update's type, which may be any text: `other` where VK does not list it.
#[must_use]
pub fn update_type(name: &str) -> &'static str {
    update_types().find(|it| *it == name).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_vk_does_not_list_is_counted_as_other() {
        assert_eq!(update_type("wall_post_new"), "wall_post_new");
        assert_eq!(update_type("made up by somebody"), "other");
        assert_eq!(update_types().count(), 56, "each name is one word of the list");
    }
}
