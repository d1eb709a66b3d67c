//! Updates that cannot become events.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::{Generator, Update};

impl Generator {
    pub(super) fn unconvertible(&mut self) -> Update {
        let peer = self.peer();
        match self.random.random_range(0..10) {
            0 => self.update("message_new", &Value::Null),
            1 => self.update("message_new", &json!({"message": null, "client_info": {}})),
            2 => {
                let mut message = self.bare_message(peer);
                message["text"] = self.text().into();
                message["peer_id"] = peer.to_string().into();
                self.update("message_new", &json!({"message": message, "client_info": {}}))
            }
            3 => {
                let mut message = self.bare_message(peer);
                message["text"] = self.text().into();
                message["from_id"] = json!([1]);
                self.update("message_new", &json!({ "message": message }))
            }
            4 => {
                let press =
                    json!({"user_id": self.user(), "event_id": self.hex(12), "payload": {}});
                self.update("message_event", &press)
            }
            5 => self.update(
                "message_reaction_event",
                &json!({"reacted_id": null, "peer_id": peer, "cmid": 1}),
            ),
            6 => self.update("message_event", &json!([self.number])),
            7 => {
                let update =
                    json!({"group_id": self.group_id, "event_id": self.hex(40), "object": {}});
                Update { event_type: "", text: update.to_string() }
            }
            8 => {
                let update =
                    json!({"type": 5, "event_id": self.hex(40), "object": {"number": self.number}});
                Update { event_type: "", text: update.to_string() }
            }
            _ => {
                let shapes = [json!(self.number), json!("не объект"), json!([]), Value::Null];
                let shape = &shapes[self.random.random_range(0..shapes.len())];
                Update { event_type: "", text: shape.to_string() }
            }
        }
    }
}
