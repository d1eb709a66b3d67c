//! `message_event`, the press of a callback button, and `message_reaction_event`.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::{Generator, Update};

impl Generator {
    pub(super) fn message_event(&mut self) -> Update {
        let peer = self.peer();
        let mut press = json!({
            "user_id": self.member(peer),
            "peer_id": peer,
            "event_id": self.hex(12),
        });
        if let Some(payload) = self.payload() {
            press["payload"] = payload;
        }
        // A keyboard of the conversation has no message.
        if self.chance(0.85) {
            press["conversation_message_id"] = self.some_message_id(peer).into();
        }
        self.update("message_event", &press)
    }

    fn payload(&mut self) -> Option<Value> {
        let number = self.number;
        Some(match self.random.random_range(0..100) {
            0..60 => {
                json!({"command": "vote", "number": number, "with": {"deep": ["ё", 1.5, null]}})
            }
            60..70 => json!(format!(r#"{{"command": "text", "number": {number}}}"#)),
            70..75 => json!([number, "список", {}]),
            75..80 => json!(format!("не JSON {{ {number}")),
            80..85 => json!(number),
            85..87 => json!(true),
            87..90 => json!({}),
            90..92 => json!(""),
            92..96 => Value::Null,
            _ => return None,
        })
    }

    pub(super) fn reaction(&mut self) -> Update {
        let peer = self.peer();
        let mut reaction = json!({
            "reacted_id": if self.chance(0.02) { -self.community() } else { self.member(peer) },
            "peer_id": peer,
            "cmid": self.some_message_id(peer),
        });
        // A removed reaction has no id.
        if self.chance(0.8) {
            reaction["reaction_id"] = self.random.random_range(1..=64).into();
        }
        self.update("message_reaction_event", &reaction)
    }
}
