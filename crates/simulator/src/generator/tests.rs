#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;

fn draw(count: usize, unconvertible: f64) -> (World, Vec<Update>) {
    let mut world = World::new(&Options::default());
    let mut generator =
        Generator::new(&Options { seed: 7, unconvertible, ..Options::default() }, &world);
    let updates = std::iter::repeat_with(|| generator.next(&mut world)).take(count).collect();
    (world, updates)
}

fn parsed(updates: &[Update]) -> Vec<Value> {
    updates.iter().map(|update| serde_json::from_str(&update.text).expect("JSON")).collect()
}

fn message(update: &Value) -> Option<&Value> {
    let object = (update["type"] == "message_new").then(|| &update["object"])?;
    Some(object.get("message").unwrap_or(object))
}

fn depth(message: &Value) -> usize {
    let inner = message["fwd_messages"].as_array().into_iter().flatten();
    inner.map(|message| depth(message) + 1).max().unwrap_or(0)
}

#[test]
fn the_same_seed_gives_the_same_updates_and_world() {
    let (world, updates) = draw(2000, 0.05);
    let (same_world, same_updates) = draw(2000, 0.05);
    let texts =
        |updates: &[Update]| updates.iter().map(|update| update.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&updates), texts(&same_updates));
    assert_eq!(world.chats, same_world.chats);
}

#[test]
fn every_shape_occurs() {
    let (_, updates) = draw(6000, 0.0);
    let updates = parsed(&updates);
    let count =
        |test: &dyn Fn(&Value) -> bool| updates.iter().filter(|update| test(update)).count();
    let has = |name: &str, test: &dyn Fn(&Value) -> bool| assert!(count(test) > 0, "{name}");
    let of_message =
        |test: fn(&Value) -> bool| move |update: &Value| message(update).is_some_and(test);

    has("no event_id", &|update| update.get("event_id").is_none() && update.get("v").is_none());
    has("message itself as object", &|update| update["object"].get("text").is_some());
    has("cropped", &of_message(|message| message["is_cropped"] == true));
    has("geo", &of_message(|message| message["geo"].is_object()));
    has("reply", &of_message(|message| message["reply_message"].is_object()));
    has(
        "reply without id",
        &of_message(|message| {
            message["reply_message"].is_object() && message["reply_message"].get("id").is_none()
        }),
    );
    has("deep forwards", &of_message(|message| depth(message) == 50));
    has("new title", &of_message(|message| message["action"]["type"] == "chat_title_update"));
    has(
        "command",
        &of_message(|message| message["text"].as_str().is_some_and(|text| text.starts_with('!'))),
    );
    has(
        "by a community",
        &of_message(|message| message["from_id"].as_i64().is_some_and(|id| id < 0)),
    );
    has(
        "unknown attachment",
        &of_message(|message| message["attachments"][0]["type"] == "hologram"),
    );
    has("unknown type", &|update| update["type"] == "hologram_new");
    for (name, test) in [
        ("object", (|payload| payload.is_some_and(Value::is_object)) as fn(Option<&Value>) -> bool),
        ("array", |payload| payload.is_some_and(Value::is_array)),
        ("text", |payload| payload.is_some_and(Value::is_string)),
        ("number", |payload| payload.is_some_and(Value::is_number)),
        ("null", |payload| payload.is_some_and(Value::is_null)),
        ("absent", |payload| payload.is_none()),
    ] {
        has(name, &|update| {
            update["type"] == "message_event" && test(update["object"].get("payload"))
        });
    }
    has("press without message", &|update| {
        update["type"] == "message_event"
            && update["object"].get("conversation_message_id").is_none()
    });
    has("reaction taken back", &|update| {
        update["type"] == "message_reaction_event" && update["object"].get("reaction_id").is_none()
    });
    let messages = count(&|update| message(update).is_some());
    assert!((4000..4600).contains(&messages), "most are messages, not {messages}");
}

#[test]
fn ids_of_events_and_places_of_messages_are_unique() {
    let (_, updates) = draw(6000, 0.0);
    let updates = parsed(&updates);
    let mut ids = HashSet::new();
    let mut places = HashSet::new();
    for update in &updates {
        if let Some(id) = update["event_id"].as_str() {
            assert_eq!(id.len(), 40);
            assert!(ids.insert(id));
        }
        if let Some(message) = message(update) {
            assert!(places.insert((&message["peer_id"], &message["conversation_message_id"])));
        }
    }
}

#[test]
fn without_unconvertible_ones_every_message_press_and_reaction_tells_who_and_where() {
    let (_, updates) = draw(6000, 0.0);
    for update in parsed(&updates) {
        let object = &update["object"];
        let who = match update["type"].as_str() {
            Some("message_new") => &message(&update).expect("a message")["from_id"],
            Some("message_event") => &object["user_id"],
            Some("message_reaction_event") => &object["reacted_id"],
            other => {
                assert!(other.is_some(), "{update}");
                continue;
            }
        };
        let peer = &message(&update).unwrap_or(object)["peer_id"];
        assert!(who.is_i64() && peer.is_i64(), "{update}");
    }
}

#[test]
fn unconvertible_ones_tell_not_who_or_not_where() {
    let (_, updates) = draw(500, 1.0);
    for update in parsed(&updates) {
        let object = &update["object"];
        let who = match update["type"].as_str() {
            Some("message_new") => &object["message"]["from_id"],
            Some("message_event") => &object["user_id"],
            Some("message_reaction_event") => &object["reacted_id"],
            _ => &Value::Null,
        };
        let peer = object.get("message").unwrap_or(object).get("peer_id");
        assert!(!who.is_i64() || !peer.is_some_and(Value::is_i64), "{update}");
    }
}

#[test]
fn texts_end_with_the_running_number() {
    let (_, updates) = draw(500, 0.0);
    for (index, update) in parsed(&updates).iter().enumerate() {
        let text = message(update).and_then(|message| message["text"].as_str());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            assert!(text.ends_with(&format!(" #{}", index + 1)), "{text}");
        }
    }
}

#[test]
fn a_cropped_message_has_its_whole_twin_in_the_world() {
    let (world, updates) = draw(5000, 0.0);
    for update in parsed(&updates) {
        let Some(message) = message(&update).filter(|message| message["is_cropped"] == true) else {
            continue;
        };
        let place = (message["peer_id"].as_i64(), message["conversation_message_id"].as_i64());
        let whole = &world.messages[&(place.0.expect("peer"), place.1.expect("id"))];
        assert_eq!(whole["attachments"].as_array().map(Vec::len), Some(5));
        assert_eq!(message["attachments"].as_array().map(Vec::len), Some(1));
        assert!(whole.get("is_cropped").is_none());
    }
}

#[test]
fn a_new_title_in_an_update_is_the_world_s_title() {
    let (world, updates) = draw(6000, 0.0);
    let mut titles = HashMap::new();
    for update in parsed(&updates) {
        let Some(message) = message(&update) else {
            continue;
        };
        if message["action"]["type"] == "chat_title_update" {
            titles.insert(message["peer_id"].as_i64(), message["action"]["text"].clone());
        }
    }
    assert!(!titles.is_empty());
    for (peer, title) in titles {
        assert_eq!(title, world.chats[&peer.expect("peer")].title);
    }
}
