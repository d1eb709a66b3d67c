//! The user and the peer of an event, from their ids and the look-ups.

use super::{Community, Lookups, Person};
use crate::{
    event::{Peer, User},
    vk::Identity,
};

/// The author of an event. Without a look-up the names are empty and the nick is made of the id.
pub(super) fn user(author: Identity, lookups: &Lookups) -> User {
    match author {
        Identity::User(id) => lookups.users.get(&id).map(|person| from_person(id, person)),
        Identity::Community(id) => lookups.communities.get(&id).map(|it| from_community(id, it)),
        Identity::Chat(_) | Identity::Email(_) => None,
    }
    .unwrap_or_else(|| nameless(author))
}

/// The conversation of an event.
pub(super) fn peer(peer: Identity, lookups: &Lookups) -> Peer {
    let name = match peer {
        Identity::User(id) => lookups.users.get(&id).map(|person| full_name(person)),
        Identity::Community(id) => lookups.communities.get(&id).map(|it| it.name.clone()),
        Identity::Chat(peer_id) => {
            lookups.chats.get(&peer_id).map(|title| title.as_ref().to_owned())
        }
        Identity::Email(_) => None,
    };
    Peer { bpid: peer.id(), cid: peer.chat_id(), name: name.unwrap_or_default() }
}

fn from_person(id: i64, person: &Person) -> User {
    User {
        uuid: id,
        name: full_name(person),
        firstname: person.first_name.clone(),
        lastname: person.last_name.clone(),
        nick: address(person.domain.as_deref()).unwrap_or_else(|| format!("id{id}")),
    }
}

fn from_community(id: i64, community: &Community) -> User {
    User {
        uuid: Identity::Community(id).id(),
        name: community.name.clone(),
        firstname: community.name.clone(),
        lastname: String::new(),
        nick: address(community.screen_name.as_deref()).unwrap_or_else(|| format!("club{id}")),
    }
}

/// An author without names. The nick is the address that VK gives to every id.
fn nameless(author: Identity) -> User {
    let uuid = author.id();
    let nick = match author {
        Identity::Community(id) => format!("club{id}"),
        Identity::User(_) | Identity::Chat(_) | Identity::Email(_) => format!("id{uuid}"),
    };
    User { uuid, name: String::new(), firstname: String::new(), lastname: String::new(), nick }
}

fn full_name(person: &Person) -> String {
    [&*person.first_name, &*person.last_name].join(" ").trim().to_owned()
}

fn address(short: Option<&str>) -> Option<String> {
    short.filter(|short| !short.is_empty()).map(str::to_owned)
}
