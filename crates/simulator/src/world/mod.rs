//! The world: users, communities, chats and complete messages, as the API returns them.

pub(crate) mod names;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::Options;

/// Peer id of the chat number 0: a chat's peer id is this plus its number.
pub const CHAT_BASE: i64 = 2_000_000_000;

const FIRST_USER: i64 = 100_000_001;
const FIRST_COMMUNITY: i64 = 30_000_001;
/// A circle has at least so many users, unless all users are fewer.
const CIRCLE: u32 = 25;

/// Why VK hides an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deactivated {
    /// Deleted: the first name is `DELETED`, the last name empty.
    Deleted,
    /// Banned: VK still returns the names.
    Banned,
}

impl fmt::Display for Deactivated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted",
            Self::Banned => "banned",
        })
    }
}

/// A user as `users.get` returns it with `lang=ru`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Positive id.
    pub id: i64,
    /// First name.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Short address or `id<N>`; `None` for a deactivated user, for whom VK omits it.
    pub domain: Option<String>,
    /// Set for an account that no longer exists.
    pub deactivated: Option<Deactivated>,
}

/// A community as `groups.getById` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// Positive id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Short address.
    pub screen_name: String,
    /// Set for a community that no longer exists.
    pub deactivated: Option<Deactivated>,
}

/// A chat with the own community as a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Above 2 000 000 000.
    pub peer_id: i64,
    /// Current title.
    pub title: String,
    /// The community has no rights in it, so the API hides it.
    pub hidden: bool,
}

/// How the API answers a look-up of a hidden chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HiddenChats {
    /// The chat is missing from the answer.
    #[default]
    LeftOut,
    /// The whole call fails with error 917.
    FailTheCall,
}

/// The data behind the name methods of the API.
#[derive(Debug, Clone)]
pub struct World {
    /// Id of the own community.
    pub group_id: i64,
    /// Users by id; any other positive id is unknown to VK.
    pub users: BTreeMap<i64, User>,
    /// Communities by positive id, the own one among them.
    pub communities: BTreeMap<i64, Community>,
    /// Chats by peer id.
    pub chats: BTreeMap<i64, Chat>,
    /// Every user is in one of so many circles, and each chat has the users of one circle as its members.
    circles: u32,
    /// Complete messages of cropped ones, by `(peer_id, conversation_message_id)`.
    pub messages: HashMap<(i64, i64), Value>,
    /// How the API answers look-ups of hidden chats.
    pub hidden_chats: HiddenChats,
    /// Ids that make every look-up containing them fail, with the error's code.
    pub refused: BTreeMap<i64, i64>,
    /// Replacements of ids' elements in lists of names.
    pub odd: BTreeMap<i64, Value>,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let users =
            (FIRST_USER..).take(options.users as usize).map(|id| (id, user(id, &mut random)));
        let users = users.collect();
        let mut communities: BTreeMap<_, _> = (FIRST_COMMUNITY..)
            .take(options.communities as usize)
            .map(|id| (id, community(id, &mut random)))
            .collect();
        communities.insert(
            options.group_id,
            Community {
                id: options.group_id,
                name: "Своё сообщество".to_owned(),
                screen_name: format!("club{}", options.group_id),
                deactivated: None,
            },
        );
        let chats = (CHAT_BASE + 1..)
            .take(options.chats as usize)
            .map(|peer_id| (peer_id, chat(peer_id, &mut random)))
            .collect();
        Self {
            group_id: options.group_id,
            circles: (options.users / CIRCLE).clamp(1, options.chats.max(1)),
            users,
            communities,
            chats,
            messages: HashMap::new(),
            hidden_chats: HiddenChats::default(),
            refused: BTreeMap::new(),
            odd: BTreeMap::new(),
        }
    }

    /// The users in a chat.
    #[must_use]
    pub fn members(&self, chat: i64) -> Vec<&User> {
        let circle = circle(chat, self.circles);
        self.users.values().skip(circle).step_by(self.circles as usize).collect()
    }

    /// The number of circles.
    pub(crate) fn circles(&self) -> u32 {
        self.circles
    }

    /// The element of `id` in a list: its replacement, or else this one.
    pub(crate) fn odd(&self, id: i64, element: Value) -> Value {
        self.odd.get(&id).cloned().unwrap_or(element)
    }

    /// The error of a look-up of these ids, if it contains one that fails.
    pub(crate) fn refusal(&self, names: &[&str]) -> Option<i64> {
        names.iter().find_map(|name| self.refused.get(&name.parse().ok()?).copied())
    }

    /// The user with this id or short address, as `users.get` takes it.
    pub(crate) fn user_by_name(&self, name: &str) -> Option<&User> {
        match name.parse() {
            Ok(id) => self.users.get(&id),
            Err(_) => self.users.values().find(|user| user.domain.as_deref() == Some(name)),
        }
    }

    /// The community with this id or short address, as `groups.getById` takes it.
    pub(crate) fn community_by_name(&self, name: &str) -> Option<&Community> {
        match name.parse() {
            Ok(id) => self.communities.get(&id),
            Err(_) => self.communities.values().find(|community| community.screen_name == name),
        }
    }
}

/// The circle of a chat's members, of so many circles.
pub(crate) fn circle(chat: i64, circles: u32) -> usize {
    usize::try_from(chat.rem_euclid(i64::from(circles))).unwrap_or_default()
}

fn pick<'a>(words: &[&'a str], random: &mut ChaCha8Rng) -> &'a str {
    words.choose(random).copied().unwrap_or_default()
}

fn user(id: i64, random: &mut ChaCha8Rng) -> User {
    let deactivated = match random.random_range(0..100) {
        0..2 => Some(Deactivated::Deleted),
        2..4 => Some(Deactivated::Banned),
        _ => None,
    };
    let (first_name, last_name) = match deactivated {
        Some(Deactivated::Deleted) => ("DELETED", ""),
        _ => (pick(&names::FIRST_NAMES, random), pick(&names::LAST_NAMES, random)),
    };
    let domain = if random.random_bool(0.5) { format!("user.{id}") } else { format!("id{id}") };
    User {
        id,
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        domain: deactivated.is_none().then_some(domain),
        deactivated,
    }
}

fn community(id: i64, random: &mut ChaCha8Rng) -> Community {
    let name = pick(&names::COMMUNITY_NAMES, random);
    let short = random.random_bool(0.5);
    Community {
        id,
        name: format!("{name} {}", id - FIRST_COMMUNITY + 1),
        screen_name: if short { format!("tea_{id}") } else { format!("club{id}") },
        deactivated: random.random_bool(0.05).then_some(Deactivated::Banned),
    }
}

fn chat(peer_id: i64, random: &mut ChaCha8Rng) -> Chat {
    let title = pick(&names::CHAT_TITLES, random);
    Chat {
        peer_id,
        title: format!("{title} {}", peer_id - CHAT_BASE),
        hidden: random.random_bool(0.05),
    }
}
