//! Users, communities and chats, as the API methods list them.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Element, Elements, Listed, list};
use crate::vk::{
    Method,
    field::{Field, Object},
};

/// The fields of an object; none if the element is no object, or has a field twice.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    match serde_json::from_str(raw.get()) {
        Ok(Field::Is(Object(fields))) => Some(fields),
        _ => None,
    }
}

/// A text that VK never sets to `null`.
#[derive(Debug, Default)]
enum Text {
    #[default]
    Absent,
    Is(String),
    Invalid,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Field::deserialize(deserializer)? {
            Field::Is(text) => Self::Is(text),
            Field::Absent | Field::Other(_) => Self::Invalid,
        })
    }
}

impl Text {
    /// The text, empty if the field is absent; none if it is `null` or no text.
    fn plain(self) -> Option<String> {
        match self {
            Self::Absent => Some(String::new()),
            Self::Is(text) => Some(text),
            Self::Invalid => None,
        }
    }
}

/// A short address, which may be absent, `null` or empty.
struct Address(Option<String>);

impl Address {
    /// None if it is no text.
    fn read(field: Field<String>) -> Option<Self> {
        match field {
            Field::Absent => Some(Self(None)),
            Field::Is(text) => Some(Self(Some(text).filter(|text| !text.is_empty()))),
            Field::Other(_) => None,
        }
    }
}

/// A user in the response of `users.get`.
#[derive(Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Short address; deactivated users have none.
    pub domain: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserElement {
    id: Field<i64>,
    first_name: Text,
    last_name: Text,
    domain: Field<String>,
}

impl Listed for UserInfo {
    const METHOD: Method = Method::Users;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("user_ids", list(ids)), ("fields", "domain".to_owned())]
    }

    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>> {
        serde_json::from_str(response.get())
    }

    fn element(raw: &RawValue) -> Element<Self> {
        let Some(UserElement { id: Field::Is(id), first_name, last_name, domain }) = object(raw)
        else {
            return Element::Invalid(None);
        };
        let user = (|| {
            let (first_name, last_name) = (first_name.plain()?, last_name.plain()?);
            Some(Self { first_name, last_name, domain: Address::read(domain)?.0 })
        })();
        user.map_or(Element::Invalid(Some(id)), |user| Element::Found(id, user))
    }
}

/// A community in the response of `groups.getById`; its id is positive.
#[derive(Debug, PartialEq, Eq)]
pub struct CommunityInfo {
    /// Its name.
    pub name: String,
    /// Its short address.
    pub screen_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommunityElement {
    id: Field<i64>,
    name: Text,
    screen_name: Field<String>,
}

/// The response since API 5.199; before, it was a bare list.
#[derive(Deserialize)]
struct Communities<'a> {
    #[serde(borrow)]
    groups: Elements<'a>,
}

impl Listed for CommunityInfo {
    const METHOD: Method = Method::Communities;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("group_ids", list(ids))]
    }

    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>> {
        if response.get().starts_with('[') {
            return serde_json::from_str(response.get());
        }
        let Communities { groups } = serde_json::from_str(response.get())?;
        Ok(groups)
    }

    fn element(raw: &RawValue) -> Element<Self> {
        let Some(CommunityElement { id: Field::Is(id), name, screen_name }) = object(raw) else {
            return Element::Invalid(None);
        };
        let community =
            (|| Some(Self { name: name.plain()?, screen_name: Address::read(screen_name)?.0 }))();
        community.map_or(Element::Invalid(Some(id)), |community| Element::Found(id, community))
    }
}

/// A chat in the response of `messages.getConversationsById`, by its peer id.
#[derive(Debug, PartialEq, Eq)]
pub struct ChatInfo {
    /// Its title.
    pub title: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChatElement {
    peer: Field<Object<Peer>>,
    chat_settings: Field<Object<ChatSettings>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Peer {
    id: Field<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChatSettings {
    title: Field<String>,
}

/// The response; without items if VK returns none of the chats.
#[derive(Deserialize)]
struct Conversations<'a> {
    #[serde(borrow, default)]
    items: Elements<'a>,
}

impl Listed for ChatInfo {
    const METHOD: Method = Method::Conversations;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("peer_ids", list(ids))]
    }

    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>> {
        let Conversations { items } = serde_json::from_str(response.get())?;
        Ok(items)
    }

    fn element(raw: &RawValue) -> Element<Self> {
        let Some(ChatElement { peer: Field::Is(Object(peer)), chat_settings }) = object(raw) else {
            return Element::Invalid(None);
        };
        let Field::Is(id) = peer.id else { return Element::Invalid(None) };
        match chat_settings {
            Field::Is(Object(ChatSettings { title: Field::Is(title) })) => {
                Element::Found(id, Self { title })
            }
            // Dialogs and hidden chats have no title.
            Field::Absent | Field::Is(Object(ChatSettings { title: Field::Absent })) => {
                Element::Nothing
            }
            Field::Is(_) | Field::Other(_) => Element::Invalid(Some(id)),
        }
    }
}
