//! What should be on the bus, derived from the updates by the specification's rules. It shares no code with
//! the service's converter.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use anyhow::{Context, ensure};
use harness::{Bus, Entry};
use serde_json::{Map, Value, json};
use vk_simulator::{CHAT_BASE, World};

/// Which titles of a chat an event may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Titles {
    /// Any title that the chat ever had, for example after a restart.
    AnyEver,
    /// After a change of title it is that title; before, any that the chat ever had.
    Exact,
}

/// The expected content of the bus.
pub(crate) struct Expected {
    pub(crate) streams: BTreeMap<&'static str, Vec<Event>>,
    pub(crate) dead_letters: Vec<String>,
    pub(crate) skipped: BTreeMap<String, u64>,
}

/// An expected event.
pub(crate) struct Event {
    /// The `ts` of its update.
    ts: u64,
    /// The event, without its id if VK gave none, and without the chat's title.
    dict: Value,
    /// For a chat: the title after the latest change, if there was one.
    title: Option<String>,
    /// For a chat: all titles that it ever had.
    titles: Option<Arc<BTreeSet<String>>>,
}

enum Verdict {
    Event(&'static str, Value),
    Skipped(String),
    Dead,
}

impl Expected {
    /// The expectation for these updates with their `ts`. Names are those of `world`; a chat may also have had
    /// another title in the `first` world.
    pub(crate) fn of(updates: &[(u64, Arc<str>)], first: &World, world: &World) -> Self {
        let parsed: Vec<_> =
            updates.iter().map(|(ts, text)| (*ts, text, parse(text, world))).collect();
        let titles = titles(parsed.iter().map(|(_, _, (update, _))| update), first, world);
        let mut expected = Self {
            streams: ["message", "command", "button", "reaction"].map(|it| (it, vec![])).into(),
            dead_letters: vec![],
            skipped: BTreeMap::new(),
        };
        let mut latest: HashMap<i64, String> = HashMap::new();
        for (ts, text, (update, verdict)) in parsed {
            match verdict {
                Verdict::Event(kind, dict) => {
                    let peer = dict["peer"]["bpid"].as_i64().unwrap_or_default();
                    if let Some((peer, title)) = new_title(&update) {
                        latest.insert(peer, title);
                    }
                    let title = latest.get(&peer).cloned();
                    let titles = titles.get(&peer).cloned();
                    let event = Event { ts, dict, title, titles };
                    expected.streams.entry(kind).or_default().push(event);
                }
                Verdict::Skipped(kind) => *expected.skipped.entry(kind).or_default() += 1,
                Verdict::Dead => expected.dead_letters.push(text.to_string()),
            }
        }
        expected
    }

    /// The number of expected events.
    pub(crate) fn events(&self) -> usize {
        self.streams.values().map(Vec::len).sum()
    }

    /// Checks that the bus contains exactly this, in this order.
    pub(crate) async fn compare(&self, bus: &Bus, titles: Titles) -> anyhow::Result<()> {
        for (kind, events) in &self.streams {
            let entries = bus.entries(&bus.key(kind)).await?;
            for (number, (event, entry)) in events.iter().zip(&entries).enumerate() {
                event.compare(entry, kind, titles).with_context(|| {
                    format!("number {number} of {kind}, which should be {}", event.dict)
                })?;
            }
            let (found, wanted) = (entries.len(), events.len());
            ensure!(found == wanted, "{found} events of type {kind} and not {wanted}");
        }
        let letters = bus.dead_letters().await?;
        let raw: Vec<_> = letters.iter().map(|letter| letter["raw"].as_str()).collect();
        ensure!(raw == self.dead_letters, "dead letters {raw:?}, not {:?}", self.dead_letters);
        ensure!(letters.iter().all(|letter| !letter["reason"].is_empty()), "no reason");
        let skipped = bus.skipped().await?;
        ensure!(skipped == self.skipped, "not routed {skipped:?}, not {:?}", self.skipped);
        Ok(())
    }
}

impl Event {
    fn compare(&self, entry: &Entry, kind: &str, titles: Titles) -> anyhow::Result<()> {
        let fields: Vec<_> = entry.keys().map(String::as_str).collect();
        ensure!(fields == ["data", "event_id", "event_type", "group_id", "ts"], "{fields:?}");
        let found: Value = serde_json::from_str(&entry["data"])?;
        let mut wanted = self.dict.clone();
        if wanted["event_id"].is_null() {
            let id = found["event_id"].as_str().unwrap_or_default();
            let is_digest =
                id.len() == 40 && id.bytes().all(|it| b"0123456789abcdef".contains(&it));
            ensure!(is_digest, "{id:?} is no digest");
            wanted["event_id"] = id.into();
        }
        if let Some(ever) = &self.titles {
            let title = found["peer"]["name"].as_str().unwrap_or_default();
            match (&self.title, titles) {
                (Some(exact), Titles::Exact) => ensure!(title == exact, "{title:?}, not {exact:?}"),
                _ => ensure!(ever.contains(title), "{title:?} is none of {ever:?}"),
            }
            wanted["peer"]["name"] = title.into();
        }
        let wanted_text = wanted.to_string();
        ensure!(entry["data"] == wanted_text, "it is {}", entry["data"]);
        ensure!(entry["event_id"] == wanted["event_id"].as_str().unwrap_or_default(), "event_id");
        ensure!(entry["event_type"] == kind && wanted["event_type"] == kind, "event_type");
        ensure!(entry["group_id"].parse::<i64>()? > 0, "group_id");
        ensure!(entry["ts"].parse::<u64>()? >= self.ts, "a ts before the update's");
        Ok(())
    }
}

fn parse(text: &str, world: &World) -> (Value, Verdict) {
    let Ok(update) = serde_json::from_str::<Value>(text) else {
        return (Value::Null, Verdict::Dead);
    };
    let verdict = match update["type"].as_str() {
        None => Verdict::Dead,
        Some("message_new") => message(&update, world).unwrap_or(Verdict::Dead),
        Some("message_event") => button(&update, world).unwrap_or(Verdict::Dead),
        Some("message_reaction_event") => reaction(&update, world).unwrap_or(Verdict::Dead),
        Some(other) => Verdict::Skipped(other.to_owned()),
    };
    (update, verdict)
}

fn message(update: &Value, world: &World) -> Option<Verdict> {
    let cut = spoken(update)?;
    let (author, peer) = (cut["from_id"].as_i64()?, cut["peer_id"].as_i64()?);
    let cmid = cut["conversation_message_id"].as_i64()?;
    let visible = peer < CHAT_BASE || world.chats.get(&peer).is_some_and(|chat| !chat.hidden);
    let whole = world.messages.get(&(peer, cmid)).filter(|_| cut["is_cropped"] == true && visible);
    let said = whole.unwrap_or(cut);

    let text = said["text"].as_str().unwrap_or_default();
    let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
    let foreign = |it: &Value| {
        json!({
            "cmid": it["conversation_message_id"].as_i64().unwrap_or(0),
            "text": it["text"].as_str().unwrap_or_default(),
        })
    };
    let reply = Some(&said["reply_message"]).filter(|it| it.is_object()).map(foreign);
    let forward: Vec<_> = list("fwd_messages").iter().map(foreign).collect();
    let mut words: Vec<_> = list("attachments").iter().map(|it| it["type"].clone()).collect();
    let extra = [
        ("geo", said["geo"].is_object()),
        ("reply", reply.is_some()),
        ("forward", !forward.is_empty()),
    ];
    words.extend(extra.iter().filter(|(_, there)| *there).map(|(word, _)| json!(word)));
    let kind = if text.starts_with(['/', '!']) { "command" } else { "message" };
    let content = json!({
        "cmid": cmid, "text": text, "reply": reply, "forward": forward, "attachments": words,
    });
    event(kind, update, author, peer, ("message", content), world)
}

/// The message of a `message_new`, which before API 5.103 is the object itself.
fn spoken(update: &Value) -> Option<&Value> {
    let object = Some(&update["object"]).filter(|it| it.is_object())?;
    match &object["message"] {
        Value::Null => Some(object),
        message => Some(message).filter(|it| it.is_object()),
    }
}

fn button(update: &Value, world: &World) -> Option<Verdict> {
    let press = &update["object"];
    let payload = match &press["payload"] {
        Value::Null => json!({}),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Value::Object(object),
            _ => json!(text),
        },
        other => other.clone(),
    };
    let content = json!({
        "cmid": press["conversation_message_id"].as_i64().unwrap_or(0),
        "beid": press["event_id"].as_str()?,
        "payload": payload,
    });
    let (author, peer) = (press["user_id"].as_i64()?, press["peer_id"].as_i64()?);
    event("button", update, author, peer, ("button", content), world)
}

fn reaction(update: &Value, world: &World) -> Option<Verdict> {
    let object = &update["object"];
    let rid = object["reaction_id"].as_i64().unwrap_or(0);
    let content = json!({"cmid": object["cmid"].as_i64()?, "rid": rid});
    let (author, peer) = (object["reacted_id"].as_i64()?, object["peer_id"].as_i64()?);
    event("reaction", update, author, peer, ("reaction", content), world)
}

fn event(
    kind: &'static str,
    update: &Value,
    author: i64,
    peer: i64,
    (key, content): (&str, Value),
    world: &World,
) -> Option<Verdict> {
    if author == 0 || author >= CHAT_BASE || peer == 0 || peer == CHAT_BASE {
        return None;
    }
    let cid = if peer > CHAT_BASE { peer - CHAT_BASE } else { 0 };
    let name = if cid == 0 { names(peer, world).0 } else { String::new() };
    let (whole, first, last, nick) = names(author, world);
    let mut dict = Map::new();
    dict.insert("event_type".to_owned(), json!(kind));
    dict.insert("event_id".to_owned(), update["event_id"].clone());
    let user =
        json!({"uuid": author, "name": whole, "firstname": first, "lastname": last, "nick": nick});
    dict.insert("user".to_owned(), user);
    dict.insert("peer".to_owned(), json!({"bpid": peer, "cid": cid, "name": name}));
    dict.insert(key.to_owned(), content);
    Some(Verdict::Event(kind, dict.into()))
}

/// Full name, first name, last name and nick of a user or a community.
fn names(id: i64, world: &World) -> (String, String, String, String) {
    if let Some(user) = world.users.get(&id) {
        let whole = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
        let nick = user.domain.clone().unwrap_or_else(|| format!("id{id}"));
        return (whole, user.first_name.clone(), user.last_name.clone(), nick);
    }
    if let Some(it) = world.communities.get(&-id) {
        return (it.name.clone(), it.name.clone(), String::new(), it.screen_name.clone());
    }
    // Ids below are guests invited by e-mail.
    let is_community = (-2_000_000_000..0).contains(&id);
    let nick = if is_community { format!("club{}", -id) } else { format!("id{id}") };
    (String::new(), String::new(), String::new(), nick)
}

/// The chat and its new title, if an update changes it.
fn new_title(update: &Value) -> Option<(i64, String)> {
    let message = Some(update).filter(|it| it["type"] == "message_new").and_then(spoken)?;
    let action = Some(&message["action"]).filter(|it| it["type"] == "chat_title_update")?;
    let peer = message["peer_id"].as_i64().filter(|peer| *peer > CHAT_BASE)?;
    Some((peer, action["text"].as_str()?.to_owned()))
}

/// All titles that each chat ever had; an empty one if VK returns none.
fn titles<'a>(
    updates: impl Iterator<Item = &'a Value>,
    first: &World,
    world: &World,
) -> HashMap<i64, Arc<BTreeSet<String>>> {
    let mut titles: HashMap<i64, BTreeSet<String>> = HashMap::new();
    for chat in first.chats.values().chain(world.chats.values()) {
        let of_chat = titles.entry(chat.peer_id).or_default();
        of_chat.insert(if chat.hidden { String::new() } else { chat.title.clone() });
    }
    for (peer, title) in updates.filter_map(new_title) {
        titles.entry(peer).or_default().insert(title);
    }
    titles.into_iter().map(|(peer, titles)| (peer, Arc::new(titles))).collect()
}
