//! `message_new` in its variants.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::{Generator, Update};
use crate::world::{CHAT_BASE, World};

/// Types of `action` in addition to a change of title. The last one does not exist in VK.
const ACTIONS: [&str; 13] = [
    "chat_photo_update",
    "chat_photo_remove",
    "chat_create",
    "chat_invite_user",
    "chat_kick_user",
    "chat_pin_message",
    "chat_unpin_message",
    "chat_invite_user_by_link",
    "chat_invite_user_by_message_request",
    "chat_screenshot",
    "conversation_style_update",
    "chat_group_call_started",
    "chat_hologram_update",
];

const BUTTON_PAYLOADS: [&str; 4] = [
    r#"{"command":"start"}"#,
    "{not json",
    r#"{"command":"not_supported_button","button_type":"callback","payload":"{\"a\":1}"}"#,
    r#"{"command":"not_supported_button","payload":"{\"command\":\"not_supported_button\",\"payload\":\"1\"}"}"#,
];

/// The number of complete messages kept (about those of the last million updates), which bounds the memory
/// of a long run.
const MOST_TWINS: usize = 20_000;

/// Maximum nesting of forwarded messages.
const DEEPEST: usize = 50;

impl Generator {
    pub(super) fn message_new(&mut self, world: &mut World) -> Update {
        let peer = self.peer();
        let message = if peer > CHAT_BASE && self.chance(0.05) {
            self.service_message(peer, world)
        } else {
            self.written_message(peer, world)
        };
        // Below API 5.103 the object is the message itself.
        if self.chance(0.02) {
            return self.update("message_new", &message);
        }
        let info = self.client_info();
        let object = format!(r#"{{"message":{message},"client_info":{info}}}"#);
        self.update("message_new", &object)
    }

    fn client_info(&mut self) -> Value {
        if self.chance(0.05) {
            return json!({});
        }
        json!({
            "button_actions": ["text", "vkpay", "open_app", "location", "open_link", "callback"],
            "keyboard": true,
            "inline_keyboard": true,
            "carousel": true,
            "lang_id": 0,
        })
    }

    /// A message without text or anything else. In chats its `id` is 0.
    pub(super) fn bare_message(&mut self, peer: i64) -> Value {
        let id = if peer > CHAT_BASE { 0 } else { self.number };
        json!({
            "date": self.date(),
            "from_id": self.author(peer),
            "id": id,
            "out": 0,
            "version": 10_000_000 + self.number,
            "attachments": [],
            "conversation_message_id": self.next_message_id(peer),
            "fwd_messages": [],
            "important": false,
            "is_hidden": false,
            "peer_id": peer,
            "random_id": 0,
            "text": "",
        })
    }

    /// A service message about the chat.
    fn service_message(&mut self, peer: i64, world: &mut World) -> Value {
        let mut message = self.bare_message(peer);
        message["action"] = if self.chance(0.3) {
            let title = format!("Переименован \"{}\" 🏷", self.number);
            if let Some(chat) = world.chats.get_mut(&peer) {
                chat.title.clone_from(&title);
            }
            json!({"type": "chat_title_update", "text": title})
        } else {
            let member = if self.chance(0.1) { -self.group_id } else { self.user() };
            json!({"type": self.pick(&ACTIONS), "member_id": member})
        };
        message
    }

    fn written_message(&mut self, peer: i64, world: &mut World) -> Value {
        let mut message = self.bare_message(peer);
        let attached = self.chance(0.2);
        if attached {
            message["attachments"] = self.attachments().into();
        }
        if !attached || self.chance(0.7) {
            message["text"] = self.text().into();
        }
        if self.chance(0.02) {
            message["geo"] = json!({
                "type": "point",
                "coordinates": {"latitude": 53.9, "longitude": 27.566_67},
                "place": {"title": "Минск", "country": "Беларусь", "city": "Минск"},
            });
        }
        match self.random.random_range(0..100) {
            0..12 => message["reply_message"] = self.foreign_message(peer, 1),
            12..17 => {
                let count = self.random.random_range(1..=5);
                let depth = self.random.random_range(1..=3);
                let forwards: Vec<_> =
                    (0..count).map(|_| self.foreign_message(peer, depth)).collect();
                message["fwd_messages"] = forwards.into();
            }
            17 => message["fwd_messages"] = vec![self.foreign_message(peer, DEEPEST)].into(),
            18..21 => message["payload"] = json!(self.pick(&BUTTON_PAYLOADS)),
            21..23 => {
                message["format_data"] = json!({"version": 1, "items": []});
                message["is_unavailable"] = json!(true);
                message["hologram"] = json!({"depth": [0.1, null]});
            }
            23..25 if self.crops => self.crop(&mut message, world),
            _ => {}
        }
        message
    }

    /// Crops the message as VK crops a long one, and adds the complete one to the world.
    fn crop(&mut self, message: &mut Value, world: &mut World) {
        let mut whole = message.clone();
        let photos: Vec<_> = (0..5).map(|_| self.photo()).collect();
        message["attachments"] = photos[..1].into();
        whole["attachments"] = photos.into();
        if let Some(text) = message["text"].as_str() {
            whole["text"] = format!("{text} (до конца)").into();
        }
        message["is_cropped"] = json!(true);
        let place = (&message["peer_id"], &message["conversation_message_id"]);
        if let (Some(peer), Some(id)) = (place.0.as_i64(), place.1.as_i64()) {
            world.messages.insert((peer, id), whole);
            self.twins.push_back((peer, id));
        }
        if self.twins.len() > MOST_TWINS
            && let Some(oldest) = self.twins.pop_front()
        {
            world.messages.remove(&oldest);
        }
    }

    /// A quoted or forwarded message, nested down to this depth. Some variants have neither `id` nor `peer_id`, or
    /// come from another conversation.
    fn foreign_message(&mut self, peer: i64, depth: usize) -> Value {
        let mut innermost = self.foreign_leaf(peer);
        for _ in 1..depth {
            let mut outer = self.foreign_leaf(peer);
            outer["fwd_messages"] = vec![innermost].into();
            innermost = outer;
        }
        innermost
    }

    fn foreign_leaf(&mut self, peer: i64) -> Value {
        let mut message = json!({
            "date": self.date(),
            "from_id": self.author(CHAT_BASE),
            "text": self.text(),
            "attachments": [],
            "conversation_message_id": self.some_message_id(peer),
        });
        if self.chance(0.6) {
            message["id"] = json!(0);
            message["peer_id"] = json!(if self.chance(0.8) { peer } else { self.peer() });
        }
        if self.chance(0.1) {
            message["attachments"] = self.attachments().into();
        }
        if self.chance(0.03) {
            message["is_cropped"] = json!(true);
        }
        message
    }
}
