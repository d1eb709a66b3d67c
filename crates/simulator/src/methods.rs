//! The API methods, from parameters to answer.

pub(crate) mod execute;

use std::{collections::HashSet, time::Instant};

use serde_json::{Value, json};

use crate::{
    api::Parameters,
    error::ApiError,
    state::{Shared, State},
    world::{CHAT_BASE, Chat, Community, Deactivated, HiddenChats, User, World, names::latin},
};

pub(crate) type Answer = Result<Value, ApiError>;

const MOST_USERS: usize = 1000;
const MOST_COMMUNITIES: usize = 500;
const MOST_CONVERSATIONS: usize = 100;
const MOST_MESSAGES: usize = 100;
const MOST_MEMBERS: usize = 1000;
const USUAL_MEMBERS: usize = 20;

pub(crate) fn answer(
    method: &str,
    parameters: &Parameters,
    shared: &Shared,
    state: &mut State,
) -> Answer {
    match method {
        "users.get" => users(parameters, &state.world),
        "groups.getById" => communities(parameters, &state.world),
        "groups.getLongPollServer" => long_poll_server(parameters, shared, state),
        "groups.getLongPollSettings" => long_poll_settings(parameters, state),
        "groups.getTokenPermissions" => Ok(state.settings.permissions()),
        "messages.getConversationsById" => conversations(parameters, state),
        "messages.getConversationMembers" => members(parameters, state),
        "messages.getByConversationMessageId" => messages(parameters, state),
        _ => Err(ApiError::of_code(3)),
    }
}

/// A list parameter without duplicates, reversed, because VK guarantees no order.
fn items<'a>(parameters: &'a Parameters, key: &str, most: usize) -> Result<Vec<&'a str>, ApiError> {
    let list = parameters.list(key);
    if list.len() > most {
        return Err(ApiError::because(100, &format!("{key} has more than {most} items")));
    }
    let mut seen = HashSet::new();
    Ok(list.into_iter().rev().filter(|item| seen.insert(*item)).collect())
}

fn required_items<'a>(
    parameters: &'a Parameters,
    key: &str,
    most: usize,
) -> Result<Vec<&'a str>, ApiError> {
    let list = items(parameters, key, most)?;
    if list.is_empty() {
        return Err(ApiError::because(100, &format!("{key} is undefined")));
    }
    Ok(list)
}

fn numbers(list: &[&str], key: &str) -> Result<Vec<i64>, ApiError> {
    let numbers: Result<_, _> = list.iter().map(|item| item.parse()).collect();
    numbers.map_err(|_| ApiError::because(100, &format!("{key} not integer")))
}

fn check_refused(list: &[&str], world: &World) -> Result<(), ApiError> {
    world.refusal(list).map_or(Ok(()), |code| Err(ApiError::of_code(code)))
}

fn users(parameters: &Parameters, world: &World) -> Answer {
    let list = items(parameters, "user_ids", MOST_USERS)?;
    if list.iter().any(|item| item.parse::<i64>().is_ok_and(|id| id <= 0)) {
        return Err(ApiError::of_code(113));
    }
    let fields = parameters.list("fields");
    let russian = parameters.in_russian();
    check_refused(&list, world)?;
    let found = list.iter().filter_map(|item| world.user_by_name(item));
    let person = |user: &User| world.odd(user.id, person(user, &fields, russian));
    Ok(found.map(person).collect())
}

fn person(user: &User, fields: &[&str], russian: bool) -> Value {
    let spelled = |name: &str| {
        if russian { name.to_owned() } else { latin(name) }
    };
    let mut person = json!({
        "id": user.id,
        "first_name": spelled(&user.first_name),
        "last_name": spelled(&user.last_name),
    });
    match (user.deactivated, &user.domain) {
        (Some(how), _) => person["deactivated"] = json!(how.to_string()),
        (None, domain) => {
            person["can_access_closed"] = json!(true);
            person["is_closed"] = json!(false);
            for field in fields.iter().filter(|field| matches!(**field, "domain" | "screen_name")) {
                person[*field] = json!(domain);
            }
        }
    }
    person
}

fn communities(parameters: &Parameters, world: &World) -> Answer {
    let mut list = items(parameters, "group_ids", MOST_COMMUNITIES)?;
    list.extend(parameters.get("group_id"));
    if list.iter().any(|item| item.parse::<i64>().is_ok_and(|id| id <= 0)) {
        return Err(ApiError::of_code(125));
    }
    let own = world.group_id.to_string();
    if list.is_empty() {
        list.push(&own);
    }
    check_refused(&list, world)?;
    let found = list.iter().filter_map(|item| world.community_by_name(item));
    Ok(
        json!({"groups": found.map(|it| world.odd(it.id, group(it))).collect::<Vec<_>>(), "profiles": []}),
    )
}

fn group(community: &Community) -> Value {
    let mut group = json!({
        "id": community.id,
        "name": community.name,
        "screen_name": community.screen_name,
        "is_closed": 0,
        "type": "group",
        "photo_50": "https://sun.example/50.jpg",
        "photo_100": "https://sun.example/100.jpg",
        "photo_200": "https://sun.example/200.jpg",
    });
    if let Some(how) = community.deactivated {
        group["deactivated"] = json!(how.to_string());
    }
    group
}

fn own_group(parameters: &Parameters, state: &State) -> Result<i64, ApiError> {
    let id = parameters
        .get("group_id")
        .ok_or_else(|| ApiError::because(100, "group_id is undefined"))?;
    let id = id.parse().map_err(|_| ApiError::because(100, "group_id not integer"))?;
    if id == state.world.group_id { Ok(id) } else { Err(ApiError::of_code(125)) }
}

fn long_poll_server(parameters: &Parameters, shared: &Shared, state: &mut State) -> Answer {
    let group_id = own_group(parameters, state)?;
    if !(state.settings.has_right("manage") && state.settings.has_right("messages")) {
        return Err(ApiError::because(15, "no access to call this method"));
    }
    if !state.settings.enabled {
        return Err(ApiError::because(100, "longpoll for this group is not enabled"));
    }
    Ok(json!({
        "key": state.keys.give(group_id, Instant::now()),
        "server": format!("{}/whp/{group_id}", shared.poll_origin),
        "ts": state.queue.newest().to_string(),
    }))
}

fn long_poll_settings(parameters: &Parameters, state: &State) -> Answer {
    own_group(parameters, state)?;
    if !state.settings.has_right("manage") {
        return Err(ApiError::because(15, "no access to call this method"));
    }
    Ok(state.settings.long_poll())
}

fn check_messages_right(state: &State) -> Result<(), ApiError> {
    if state.settings.has_right("messages") { Ok(()) } else { Err(ApiError::of_code(15)) }
}

fn conversations(parameters: &Parameters, state: &State) -> Answer {
    check_messages_right(state)?;
    let peers = required_items(parameters, "peer_ids", MOST_CONVERSATIONS)?;
    check_refused(&peers, &state.world)?;
    let mut items = Vec::new();
    for peer in numbers(&peers, "peer_ids")? {
        let item = conversation(peer, &state.world)?;
        items.extend(item.map(|item| state.world.odd(peer, item)));
    }
    Ok(json!({"count": items.len(), "items": items}))
}

/// The element of one conversation; `None` if it does not exist or is hidden.
fn conversation(peer: i64, world: &World) -> Result<Option<Value>, ApiError> {
    if peer > CHAT_BASE {
        return visible_chat(peer, world).map(|chat| chat.map(chat_conversation));
    }
    let (kind, known, active) = if peer > 0 {
        let user = world.users.get(&peer);
        (
            "user",
            user.is_some(),
            user.is_some_and(|user| user.deactivated != Some(Deactivated::Deleted)),
        )
    } else {
        ("group", world.communities.contains_key(&-peer), true)
    };
    Ok(known.then(|| basics(peer, kind, peer.abs(), active)))
}

fn visible_chat(peer: i64, world: &World) -> Result<Option<&Chat>, ApiError> {
    match world.chats.get(&peer) {
        Some(chat) if !chat.hidden => Ok(Some(chat)),
        Some(_) if world.hidden_chats == HiddenChats::FailTheCall => Err(ApiError::of_code(917)),
        _ => Ok(None),
    }
}

fn basics(peer: i64, kind: &str, local_id: i64, may_write: bool) -> Value {
    let mut can_write = json!({ "allowed": may_write });
    if !may_write {
        can_write["reason"] = json!(18);
    }
    json!({
        "peer": {"id": peer, "type": kind, "local_id": local_id},
        "last_message_id": 0,
        "last_conversation_message_id": 1,
        "in_read": 0,
        "out_read": 0,
        "version": 10_000_001,
        "sort_id": {"major_id": 0, "minor_id": 0},
        "can_write": can_write,
    })
}

fn chat_conversation(chat: &Chat) -> Value {
    let mut conversation = basics(chat.peer_id, "chat", chat.peer_id - CHAT_BASE, true);
    conversation["chat_settings"] = json!({
        "title": chat.title,
        "owner_id": 1,
        "state": "in",
        "acl": {"can_change_info": false, "can_invite": false, "can_see_invite_link": false},
        "members_count": 3,
        "admin_ids": [],
        "active_ids": [],
    });
    conversation
}

fn messages(parameters: &Parameters, state: &State) -> Answer {
    check_messages_right(state)?;
    let peer = parameters.get("peer_id").and_then(|peer| peer.parse().ok());
    let peer: i64 = peer.ok_or_else(|| ApiError::because(100, "peer_id is undefined"))?;
    let key = "conversation_message_ids";
    let ids = numbers(&required_items(parameters, key, MOST_MESSAGES)?, key)?;
    let visible = peer < CHAT_BASE || visible_chat(peer, &state.world)?.is_some();
    let found =
        ids.iter().filter(|_| visible).filter_map(|&id| state.world.messages.get(&(peer, id)));
    let items: Vec<_> = found.collect();
    Ok(json!({"count": items.len(), "items": items}))
}

fn members(parameters: &Parameters, state: &State) -> Answer {
    check_messages_right(state)?;
    let number = |key: &str, usual: usize| {
        let number = parameters.get(key).map_or(Ok(usual), str::parse);
        number.map_err(|_| ApiError::because(100, &format!("{key} not integer")))
    };
    let peer = parameters.get("peer_id").and_then(|peer| peer.parse().ok());
    let peer: i64 = peer.ok_or_else(|| ApiError::because(100, "peer_id is undefined"))?;
    let (offset, count) = (number("offset", 0)?, number("count", USUAL_MEMBERS)?);
    if !(1..=MOST_MEMBERS).contains(&count) {
        return Err(ApiError::because(100, "count is out of range"));
    }
    let world = &state.world;
    match world.chats.get(&peer) {
        None => return Err(ApiError::of_code(927)),
        Some(chat) if chat.hidden => return Err(ApiError::of_code(917)),
        Some(_) => {}
    }
    let all = world.members(peer);
    let page: Vec<_> = all.iter().skip(offset).take(count).collect();
    let item = |id: i64| json!({"member_id": id, "invited_by": 1, "join_date": 1_700_000_000});
    let own = world.communities.get(&world.group_id);
    let items = page.iter().map(|user| item(user.id)).chain([item(-world.group_id)]);
    let mut answer = json!({"count": all.len(), "items": items.collect::<Vec<_>>()});
    if parameters.get("extended") == Some("1") {
        let (fields, russian) = (parameters.list("fields"), parameters.in_russian());
        let profiles = page.iter().map(|user| world.odd(user.id, person(user, &fields, russian)));
        answer["profiles"] = profiles.collect();
        answer["groups"] = own.map(group).into_iter().collect();
    }
    Ok(answer)
}
