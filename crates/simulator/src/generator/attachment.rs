//! Attachments of messages.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::Generator;

/// Types whose object is identified by id and owner alone. The last one does not exist in VK.
const PLAIN_KINDS: [&str; 24] = [
    "audio",
    "video",
    "video_message",
    "video_playlist",
    "market",
    "market_album",
    "gift",
    "wall_reply",
    "article",
    "podcast",
    "call",
    "story",
    "group_call_in_progress",
    "mini_app",
    "narrative",
    "event",
    "artist",
    "audio_playlist",
    "curator",
    "widget",
    "money_request",
    "album",
    "textlive",
    "hologram",
];

impl Generator {
    /// Up to four attachments.
    pub(super) fn attachments(&mut self) -> Vec<Value> {
        let count = self.random.random_range(1..=4);
        (0..count).map(|_| self.attachment()).collect()
    }

    pub(super) fn photo(&mut self) -> Value {
        let id = self.random.random_range(1..1_000_000);
        let address = format!("https://sun.example/{id}.jpg?size=604x453&quality=96");
        let size = json!({"type": "x", "url": address, "width": 604, "height": 453});
        let date = self.date();
        let photo = json!({
            "id": id, "owner_id": self.user(), "date": date, "text": "", "sizes": [size],
            "access_key": self.hex(18),
        });
        json!({"type": "photo", "photo": photo})
    }

    fn attachment(&mut self) -> Value {
        let id = self.random.random_range(1..1_000_000);
        let owner = self.user();
        match self.random.random_range(0..100) {
            0..40 => self.photo(),
            40..50 => json!({"type": "sticker", "sticker": {
                "product_id": 1, "sticker_id": id, "images": [], "images_with_background": [],
            }}),
            50..56 => json!({"type": "doc", "doc": {
                "id": id, "owner_id": owner, "title": "отчёт \"1\".pdf", "size": 1024, "ext": "pdf",
                "type": 1, "url": "https://vk.example/doc",
            }}),
            56..62 => json!({"type": "audio_message", "audio_message": {
                "id": id, "owner_id": owner, "duration": 3, "waveform": [0, 5, 31],
                "link_ogg": "https://psv.example/a.ogg", "link_mp3": "https://psv.example/a.mp3",
            }}),
            62..68 => json!({"type": "link", "link": {
                "url": "https://vk.example/?q=1", "title": "Ссылка", "caption": "vk.example",
            }}),
            68..74 => {
                json!({"type": "wall", "wall": {"id": id, "to_id": owner, "from_id": owner, "text": "Пост"}})
            }
            74..77 => json!({"type": "video", "video": {
                "id": id, "owner_id": owner, "type": "video_message", "duration": 5,
            }}),
            77..80 => json!({"type": "poll", "poll": {
                "id": id, "owner_id": owner, "question": "Да?", "answers": [], "votes": 0,
            }}),
            80..83 => json!({"type": "graffiti", "graffiti": {
                "id": id, "owner_id": owner, "url": "https://vk.example/g", "width": 1, "height": 1,
            }}),
            83..85 => json!({ "type": self.plain_kind() }),
            _ => {
                let kind = self.plain_kind();
                json!({"type": kind, kind: {"id": id, "owner_id": owner}})
            }
        }
    }

    fn plain_kind(&mut self) -> &'static str {
        self.pick(&PLAIN_KINDS).unwrap_or_default()
    }
}
