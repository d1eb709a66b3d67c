//! Users, communities and chats, as the API methods list them.

use serde::{Deserialize, Deserializer};
use serde_json::{Result, value::RawValue};

use super::{List, Listed, list};
use crate::vk::Method;

/// A user in the response of `users.get`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Short address; deactivated users have none.
    #[serde(deserialize_with = "address")]
    pub domain: Option<String>,
}

impl Listed for UserInfo {
    const METHOD: Method = Method::Users;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("user_ids", list(ids)), ("fields", "domain".to_owned())]
    }

    fn list(response: &RawValue) -> Result<List<'_>> {
        serde_json::from_str(response.get())
    }

    fn object(element: &RawValue) -> Result<Option<Self>> {
        serde_json::from_str(element.get()).map(Some)
    }
}

/// A community in the response of `groups.getById`; its id is positive.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CommunityInfo {
    /// Its name.
    pub name: String,
    /// Its short address.
    #[serde(deserialize_with = "address")]
    pub screen_name: Option<String>,
}

impl Listed for CommunityInfo {
    const METHOD: Method = Method::Communities;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("group_ids", list(ids))]
    }

    /// Before API 5.199 the response was a bare list.
    fn list(response: &RawValue) -> Result<List<'_>> {
        #[derive(Deserialize)]
        struct Communities<'a> {
            #[serde(borrow)]
            groups: List<'a>,
        }
        if response.get().starts_with('[') {
            return serde_json::from_str(response.get());
        }
        serde_json::from_str(response.get()).map(|Communities { groups }| groups)
    }

    fn object(element: &RawValue) -> Result<Option<Self>> {
        serde_json::from_str(element.get()).map(Some)
    }
}

/// A chat in the response of `messages.getConversationsById`, by its peer id.
#[derive(Debug, PartialEq, Eq)]
pub struct ChatInfo {
    /// Its title.
    pub title: String,
}

#[derive(Deserialize)]
struct Conversation {
    chat_settings: Option<ChatSettings>,
}

#[derive(Deserialize)]
struct ChatSettings {
    title: Option<String>,
}

impl Listed for ChatInfo {
    const METHOD: Method = Method::Conversations;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("peer_ids", list(ids))]
    }

    /// Without items if VK returns none of the chats.
    fn list(response: &RawValue) -> Result<List<'_>> {
        #[derive(Deserialize)]
        struct Conversations<'a> {
            #[serde(borrow, default)]
            items: List<'a>,
        }
        serde_json::from_str(response.get()).map(|Conversations { items }| items)
    }

    fn id(element: &RawValue) -> Option<i64> {
        #[derive(Deserialize)]
        struct Key<'a> {
            #[serde(borrow)]
            peer: &'a RawValue,
        }
        let Key { peer } = serde_json::from_str(element.get()).ok()?;
        super::id(peer)
    }

    /// Dialogs and hidden chats have no title.
    fn object(element: &RawValue) -> Result<Option<Self>> {
        let Conversation { chat_settings } = serde_json::from_str(element.get())?;
        Ok(chat_settings.and_then(|it| it.title).map(|title| Self { title }))
    }
}

/// A short address, which may be absent, `null` or empty.
fn address<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<String>, D::Error> {
    Ok(Option::deserialize(from)?.filter(|address: &String| !address.is_empty()))
}
