//! Updates of all other types.

use serde_json::json;

use super::{Generator, Update};

/// The last one does not exist in VK.
const TYPES: [&str; 14] = [
    "message_typing_state",
    "message_read",
    "message_edit",
    "message_reply",
    "message_allow",
    "message_deny",
    "group_join",
    "group_leave",
    "wall_post_new",
    "like_add",
    "photo_new",
    "user_block",
    "donut_subscription_create",
    "hologram_new",
];

impl Generator {
    pub(super) fn other(&mut self) -> Update {
        let event_type = self.pick(&TYPES).unwrap_or_default();
        let user = self.user();
        let number = self.number;
        let object = match event_type {
            "message_typing_state" => {
                json!({"state": "typing", "from_id": user, "to_id": -self.group_id})
            }
            "message_read" => json!({
                "from_id": user, "peer_id": user, "read_message_id": number,
                "conversation_message_id": self.some_message_id(user),
            }),
            "message_edit" | "message_reply" => {
                let peer = self.peer();
                let mut message = self.bare_message(peer);
                message["text"] = self.text().into();
                if event_type == "message_edit" {
                    message["update_time"] = self.date().into();
                } else {
                    message["out"] = json!(1);
                    message["from_id"] = json!(-self.group_id);
                    message["admin_author_id"] = json!(user);
                }
                message
            }
            "message_allow" => json!({"user_id": user, "key": ""}),
            "group_join" => json!({"user_id": user, "join_type": "join"}),
            "group_leave" => json!({"user_id": user, "self": 1}),
            "wall_post_new" => json!({
                "id": number, "from_id": -self.group_id, "owner_id": -self.group_id,
                "date": self.date(), "post_type": "post", "text": self.text(),
                "attachments": self.attachments(),
            }),
            "like_add" => json!({
                "liker_id": user, "object_type": "post", "object_owner_id": -self.group_id,
                "object_id": number, "post_id": 0,
            }),
            _ => json!({"user_id": user, "number": number}),
        };
        self.update(event_type, &object)
    }
}
