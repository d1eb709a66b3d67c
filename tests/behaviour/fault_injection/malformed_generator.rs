//! Malformed updates and malformed bodies, each drawn from a seed.

use serde_json::{Value, json};

/// Values of wrong types or ranges.
const ODD: &[&str] = &[
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "1e308",
    "1e400",
    "\"\"",
    "\"text\"",
    "\"12\"",
    "\"\\u0000\\u001b[2J\\u202e\\r\\n\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "[]",
    "[null]",
    "[[[[[[]]]]]]",
    "{}",
    "{\"id\":{}}",
    "[{\"type\":5},7,\"x\",null]",
];

/// JSON texts that are not updates.
const NO_UPDATES: &[&str] =
    &["null", "7", "\"update\"", "[]", "[1,[2]]", "{}", "{\"type\":null}", "1e400"];

/// Texts that are not JSON, although their brackets and quotes match.
const NOT_JSON: &[&str] = &[
    "{\"type\":message_new}",
    "{\"type\":\"message_new\",}",
    "{type:\"message_new\"}",
    "{\"a\":01}",
    "{\"a\":NaN}",
    "{\"a\":\"\u{1}\u{1b}[2J\"}",
    "{\"a\":\"\\x41\"}",
    "{\"a\" \"b\"}",
    "{\"a\":+1}",
    "undefined",
];

/// A placeholder for a wrong value.
const HOLE: &str = "@HOLE@";

/// Numbers drawn from a seed (`SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>).
struct Draw(u64);

impl Draw {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len())]
    }
}

pub(crate) struct Generator {
    draw: Draw,
}

impl Generator {
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self { draw: Draw(seed) }
    }

    /// A malformed update, by number, that is valid JSON.
    pub(crate) fn update(&mut self, number: usize, group_id: i64) -> String {
        if self.draw.below(20) == 0 {
            return self.draw.one_of(NO_UPDATES).to_owned();
        }
        let mut update = template(self.draw.below(5), number, group_id);
        for _ in 0..=self.draw.below(2) {
            self.damage(&mut update);
        }
        self.filled(&update)
    }

    /// A text in an update's place that is not valid JSON.
    pub(crate) fn no_json(&mut self) -> String {
        self.draw.one_of(NOT_JSON).to_owned()
    }

    /// A damaged form of a method's correct answer.
    pub(crate) fn body(&mut self, right: &[u8]) -> Vec<u8> {
        let right = String::from_utf8_lossy(right).into_owned();
        match self.draw.below(12) {
            // In the middle of a character, too.
            0 => right.as_bytes()[..right.len() / 2].to_vec(),
            1 => right.as_bytes()[..right.len().saturating_sub(1)].to_vec(),
            2 => "<html><head><title>502</title></head></html>".into(),
            3 => Vec::new(),
            4 => self.draw.one_of(&["null", "[]", "7", "\"text\"", "{}"]).into(),
            5 => vec![0xff, 0xfe, 0, 0x1b, b'{'],
            6 => format!("{{\"response\":{}}}", self.draw.one_of(ODD)).into(),
            7 => format!("{{\"error\":{}}}", self.draw.one_of(ODD)).into(),
            8 => ["{\"response\":", &"[".repeat(5000), &"]".repeat(5000), "}"].concat().into(),
            9 => right.replacen('}', ",}", 1).into(),
            _ => match serde_json::from_str(&right) {
                Ok(mut answer) => {
                    self.damage(&mut answer);
                    self.filled(&answer).into()
                }
                Err(_) => Vec::new(),
            },
        }
    }

    /// Replaces or removes a value at a random place.
    fn damage(&mut self, value: &mut Value) {
        let mut place = value;
        loop {
            let goes_on = self.draw.below(4) > 0;
            let goes_deeper = match &*place {
                Value::Object(members) => members.values().any(|it| goes_on && is_parent(it)),
                Value::Array(items) => items.iter().any(|it| goes_on && is_parent(it)),
                _ => false,
            };
            if !goes_deeper {
                break;
            }
            let children: Vec<&mut Value> = match place {
                Value::Object(members) => members.values_mut().filter(|it| is_parent(it)).collect(),
                Value::Array(items) => items.iter_mut().filter(|it| is_parent(it)).collect(),
                _ => return,
            };
            let number = self.draw.below(children.len());
            place = children.into_iter().nth(number).unwrap();
        }
        match place {
            Value::Object(members) if !members.is_empty() => {
                let number = self.draw.below(members.len());
                let key = members.keys().nth(number).unwrap().clone();
                if self.draw.below(3) == 0 {
                    members.remove(&key);
                } else {
                    members.insert(key, json!(HOLE));
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let number = self.draw.below(items.len());
                items[number] = json!(HOLE);
            }
            other => *other = json!(HOLE),
        }
    }

    /// The text of a value, with a wrong value at each placeholder.
    fn filled(&mut self, value: &Value) -> String {
        let mut text = value.to_string();
        while let Some(at) = text.find(&format!("\"{HOLE}\"")) {
            text.replace_range(at..at + HOLE.len() + 2, self.draw.one_of(ODD));
        }
        text
    }
}

fn is_parent(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// A well-formed update of one of five kinds.
fn template(kind: usize, number: usize, group_id: i64) -> Value {
    let user = 1 + number % 50;
    let (kind, object) = match kind {
        0 | 1 => (
            "message_new",
            json!({"client_info": {"keyboard": true}, "message": {
                "date": 1, "from_id": user, "id": 0, "out": 0, "version": 1,
                "conversation_message_id": number, "peer_id": user, "random_id": 0, "text": "/a b",
                "attachments": [{"type": "photo", "photo": {"id": 1, "owner_id": 1,
                    "sizes": [{"type": "x", "url": "https://vk.ru/1", "width": 1, "height": 1}]}}],
                "fwd_messages": [{"from_id": 2, "text": "x", "date": 1, "conversation_message_id": 1,
                    "peer_id": 2, "attachments": []}],
                "reply_message": {"from_id": 3, "text": "y", "date": 1, "id": 7, "peer_id": 3,
                    "conversation_message_id": 1, "attachments": []},
                "geo": {"type": "point", "coordinates": {"latitude": 1.5, "longitude": 2.5}},
                "action": {"type": "chat_title_update", "text": "t", "member_id": 1},
            }}),
        ),
        2 => (
            "message_event",
            json!({"user_id": user, "peer_id": user, "event_id": format!("b{number}"),
                "payload": {"call_back": [1, {"x": null}]}, "conversation_message_id": 5}),
        ),
        3 => (
            "message_reaction_event",
            json!({"reacted_id": user, "peer_id": 2_000_000_001, "reaction_id": 3, "cmid": number}),
        ),
        _ => ("wall_post_new", json!({"id": number, "from_id": 1, "text": "post"})),
    };
    json!({"group_id": group_id, "type": kind, "event_id": format!("malformed-{number}"),
        "v": "5.199", "object": object})
}
