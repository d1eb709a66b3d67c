//! The community's Long Poll settings and the rights of its token.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The settings made by the community's managers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether Long Poll is switched on.
    pub(crate) enabled: bool,
    /// API version of the events' format.
    pub(crate) api_version: String,
    /// Event types that are switched off.
    pub(crate) switched_off: Vec<String>,
    /// The access tokens that the API accepts.
    pub(crate) tokens: Vec<String>,
    /// Rights of the token by name.
    pub(crate) rights: Vec<String>,
}

/// Rights of a community token with their bits.
/// (VK: "Access Permissions for User and Community Tokens")
const RIGHTS: [(&str, u64); 6] = [
    ("stories", 1),
    ("photos", 1 << 2),
    ("app_widget", 1 << 6),
    ("messages", 1 << 12),
    ("docs", 1 << 17),
    ("manage", 1 << 18),
];

/// Event types of the settings (a part of VK's list).
const EVENT_TYPES: [&str; 17] = [
    "message_new",
    "message_reply",
    "message_edit",
    "message_allow",
    "message_deny",
    "message_typing_state",
    "message_read",
    "message_event",
    "message_reaction_event",
    "photo_new",
    "wall_post_new",
    "wall_reply_new",
    "group_join",
    "group_leave",
    "like_add",
    "like_remove",
    "user_block",
];

impl Settings {
    /// Everything is switched on, and one token has all rights.
    pub(crate) fn new(token: &str) -> Self {
        Self {
            enabled: true,
            api_version: "5.199".to_owned(),
            switched_off: Vec::new(),
            tokens: vec![token.to_owned()],
            rights: RIGHTS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        }
    }

    pub(crate) fn has_right(&self, name: &str) -> bool {
        self.rights.iter().any(|right| right == name)
    }

    pub(crate) fn is_on(&self, event_type: &str) -> bool {
        !self.switched_off.iter().any(|off| off == event_type)
    }

    /// The answer of `groups.getLongPollSettings`.
    pub(crate) fn long_poll(&self) -> Value {
        let events: BTreeMap<_, _> =
            EVENT_TYPES.iter().map(|&name| (name, u8::from(self.is_on(name)))).collect();
        json!({"is_enabled": self.enabled, "api_version": self.api_version, "events": events})
    }

    /// The answer of `groups.getTokenPermissions`.
    pub(crate) fn permissions(&self) -> Value {
        let held = || RIGHTS.iter().filter(|(name, _)| self.has_right(name));
        let permissions: Vec<_> =
            held().map(|(name, bit)| json!({"name": name, "setting": bit})).collect();
        json!({"mask": held().map(|(_, bit)| bit).sum::<u64>(), "permissions": permissions})
    }
}
