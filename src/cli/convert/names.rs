//! The source of look-ups: VK, or a file.

use std::{fs, io, path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    converter::{self, Community, Lookups, PartialEvent, Person, Rules},
    enrich::Enricher,
    event::Event,
    text,
};

/// The source of look-ups.
pub(super) enum Source<'a> {
    /// All look-ups that a file has.
    File(Lookups),
    /// VK, with the cache and the limits of the service.
    Vk(&'a Enricher),
}

impl Source<'_> {
    pub(super) async fn complete(
        &mut self,
        partials: Vec<PartialEvent>,
        rules: &Rules,
    ) -> Vec<Event> {
        match self {
            Self::File(known) => converter::complete(partials, known, rules).collect(),
            Self::Vk(names) => names.complete(partials, rules).await,
        }
    }
}

/// The file of names cannot be used.
#[derive(Debug, Error)]
#[error("{file}: {reason}")]
pub(super) struct Unusable {
    file: String,
    reason: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    users: Vec<UserName>,
    communities: Vec<CommunityName>,
    chats: Vec<ChatTitle>,
    messages: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserName {
    id: i64,
    first_name: String,
    #[serde(default)]
    last_name: String,
    domain: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommunityName {
    id: i64,
    name: String,
    screen_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChatTitle {
    peer_id: i64,
    title: String,
}

/// The ids of a complete message. The converter reads the rest.
#[derive(Deserialize)]
struct MessageIds {
    peer_id: i64,
    conversation_message_id: i64,
}

/// Reads a file of names.
///
/// # Errors
/// Fails if the file cannot be read, or is not JSON of the documented form.
pub(super) fn read(path: &Path) -> Result<Lookups, Unusable> {
    let unusable = |reason: String| Unusable { file: path.display().to_string(), reason };
    let json = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => unusable("it is not UTF-8 text".to_owned()),
        _ => unusable(text::cause(&error)),
    })?;
    let file: File = serde_json::from_str(&json).map_err(|error| {
        unusable(format!("line {}: {}", error.line(), text::json_problem(&error)))
    })?;
    let mut known = Lookups::default();
    for UserName { id, first_name, last_name, domain } in file.users {
        known.users.insert(id, Arc::new(Person { first_name, last_name, domain }));
    }
    for CommunityName { id, name, screen_name } in file.communities {
        known.communities.insert(id, Arc::new(Community { name, screen_name }));
    }
    for ChatTitle { peer_id, title } in file.chats {
        known.chats.insert(peer_id, title.into());
    }
    for (number, message) in (1..).zip(file.messages) {
        let ids: MessageIds = serde_json::from_str(message.get()).map_err(|error| {
            let problem = text::json_problem(&error);
            unusable(format!("element {number} of messages is no complete message: {problem}"))
        })?;
        known.messages.insert((ids.peer_id, ids.conversation_message_id), message);
    }
    Ok(known)
}
