//! The API methods in use, each with the parameters and response that matter here.

use std::fmt;

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{
    Api, CallError,
    api::Turn,
    credential::Credential,
    long_poll::{Hosts, Server},
};
use crate::ts::Ts;

/// Defines the methods in use, each with its name in VK's API.
macro_rules! methods {
    ($($method:ident = $name:literal,)+) => {
        /// An API method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $name, "`")] $method,)+
        }

        impl Method {
            /// All methods in use.
            pub const ALL: &[Self] = &[$(Self::$method,)+];

            /// The method's name in VK's API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)+
                }
            }
        }
    };
}

methods! {
    LongPollServer = "groups.getLongPollServer",
    LongPollSettings = "groups.getLongPollSettings",
    TokenPermissions = "groups.getTokenPermissions",
    Users = "users.get",
    Communities = "groups.getById",
    Conversations = "messages.getConversationsById",
    Messages = "messages.getByConversationMessageId",
    Execute = "execute",
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user as `users.get` tells it.
#[derive(Debug, Deserialize)]
pub struct UserInfo {
    /// The user's id.
    pub id: i64,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// Short address; deactivated users have none.
    pub domain: Option<String>,
}

/// A community as `groups.getById` tells it.
#[derive(Debug, Deserialize)]
pub struct CommunityInfo {
    /// The community's id (positive).
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its short address.
    pub screen_name: Option<String>,
}

/// A chat's peer id and title as `messages.getConversationsById` tells them.
#[derive(Debug)]
pub struct ChatInfo {
    /// The chat's peer id.
    pub peer_id: i64,
    /// Its title.
    pub title: String,
}

/// What `groups.getLongPollSettings` tells.
#[derive(Debug, Deserialize)]
pub struct LongPollSettings {
    /// Whether Long Poll is on.
    #[serde(deserialize_with = "flag")]
    pub is_enabled: bool,
    /// The version that updates are written in.
    pub api_version: Option<String>,
    /// Event types and whether they are sent.
    #[serde(default)]
    pub events: std::collections::BTreeMap<String, i64>,
}

/// VK writes this one as `true` or as `1`.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Bool(bool),
        Number(i64),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Bool(on) => on,
        Flag::Number(number) => number != 0,
    })
}

/// The answer is either `{"groups": [...]}` (since 5.199) or a bare list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Communities {
    Object { groups: Vec<CommunityInfo> },
    List(Vec<CommunityInfo>),
}

#[derive(Deserialize)]
struct Items<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Conversation {
    peer: ConversationPeer,
    chat_settings: Option<ChatSettings>,
}

#[derive(Deserialize)]
struct ConversationPeer {
    id: i64,
}

#[derive(Deserialize)]
struct ChatSettings {
    title: Option<String>,
}

#[derive(Deserialize)]
struct MessageKey {
    conversation_message_id: i64,
}

#[derive(Deserialize)]
struct Permission {
    name: String,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct LongPollServer {
    server: String,
    key: String,
    ts: Ts,
}

impl Turn<'_> {
    /// Names and short addresses of at most [`USERS_A_CALL`] users; VK leaves out those it does
    /// not know.
    pub async fn users(self, ids: &[i64]) -> Result<Vec<UserInfo>, CallError> {
        self.call(&[("user_ids", &list(ids)), ("fields", "domain")]).await
    }

    /// Names of at most [`COMMUNITIES_A_CALL`] communities.
    pub async fn communities(self, ids: &[i64]) -> Result<Vec<CommunityInfo>, CallError> {
        Ok(match self.call(&[("group_ids", &list(ids))]).await? {
            Communities::Object { groups } | Communities::List(groups) => groups,
        })
    }

    /// Titles of at most [`CHATS_A_CALL`] chats; those that may not be seen are left out.
    pub async fn chats(self, peer_ids: &[i64]) -> Result<Vec<ChatInfo>, CallError> {
        let answer: Items<Conversation> = self.call(&[("peer_ids", &list(peer_ids))]).await?;
        let title = |conversation: Conversation| {
            let title = conversation.chat_settings?.title?;
            Some(ChatInfo { peer_id: conversation.peer.id, title })
        };
        Ok(answer.items.into_iter().filter_map(title).collect())
    }

    /// Whole messages of one conversation by their conversation message ids, at most
    /// [`MESSAGES_A_CALL`], as raw message objects; missing ones are left out.
    pub async fn messages(
        self,
        peer_id: i64,
        cmids: &[i64],
    ) -> Result<Vec<(i64, Box<RawValue>)>, CallError> {
        let peer_id = peer_id.to_string();
        let params = [("peer_id", peer_id.as_str()), ("conversation_message_ids", &list(cmids))];
        let answer: Items<Box<RawValue>> = self.call(&params).await?;
        Ok(by_cmid(answer.items))
    }

    /// The same for at most [`CONVERSATIONS_A_CALL`] conversations in one call of `execute`. None
    /// where VK refuses those of a conversation: asked for alone, it tells why.
    pub async fn messages_of_several(
        self,
        places: &[(i64, Vec<i64>)],
    ) -> Result<Vec<Option<Vec<(i64, Box<RawValue>)>>>, CallError> {
        let calls: Vec<_> = places
            .iter()
            .map(|(peer_id, cmids)| {
                let parameters =
                    json!({"peer_id": peer_id, "conversation_message_ids": list(cmids)});
                format!("API.{}({parameters})", Method::Messages)
            })
            .collect();
        let code = format!("return [{}];", calls.join(","));
        let told: Vec<Box<RawValue>> =
            self.instead(Method::Execute).call(&[("code", &code)]).await?;
        // `false` stands where VK refuses.
        let told = told.iter().map(|told| {
            serde_json::from_str(told.get()).ok().map(|Items { items }| by_cmid(items))
        });
        Ok(told.chain(std::iter::repeat_with(|| None)).take(places.len()).collect())
    }
}

fn by_cmid(messages: Vec<Box<RawValue>>) -> Vec<(i64, Box<RawValue>)> {
    let keyed = |message: Box<RawValue>| {
        let key: MessageKey = serde_json::from_str(message.get()).ok()?;
        Some((key.conversation_message_id, message))
    };
    messages.into_iter().filter_map(keyed).collect()
}

/// Most ids that `users.get` takes.
pub const USERS_A_CALL: usize = 1000;
/// Most ids that `groups.getById` takes.
pub const COMMUNITIES_A_CALL: usize = 500;
/// Most ids that `messages.getConversationsById` takes.
pub const CHATS_A_CALL: usize = 100;
/// Most ids that `messages.getByConversationMessageId` takes.
pub const MESSAGES_A_CALL: usize = 100;
/// Most calls within one `execute`.
pub const CONVERSATIONS_A_CALL: usize = 25;

impl Api {
    /// A Long Poll server to read from, and the newest position there. A server outside the
    /// accepted hosts counts as no usable answer.
    pub async fn long_poll_server(&self) -> Result<(Server, Ts), CallError> {
        self.long_poll_server_as(&self.credential()).await
    }

    /// The same by the right of another token.
    pub(super) async fn long_poll_server_as(
        &self,
        credential: &Credential,
    ) -> Result<(Server, Ts), CallError> {
        let method = Method::LongPollServer;
        let group_id = self.group_id().to_string();
        let turn = self.turn(method).await;
        let answer: LongPollServer = turn.call_as(credential, &[("group_id", &group_id)]).await?;
        let server = Hosts::beside(self.url())
            .accept(&answer.server)
            .map_err(|reason| CallError::Unreachable { method, reason })?;
        Ok((Server::new(server, answer.key.into()), answer.ts))
    }

    /// The community's Long Poll settings.
    pub async fn long_poll_settings(&self) -> Result<LongPollSettings, CallError> {
        let group_id = self.group_id().to_string();
        self.turn(Method::LongPollSettings).await.call(&[("group_id", &group_id)]).await
    }

    /// The names of the token's rights, such as `messages` and `manage`.
    pub async fn token_permissions(&self) -> Result<Vec<String>, CallError> {
        let answer: Permissions = self.turn(Method::TokenPermissions).await.call(&[]).await?;
        Ok(answer.permissions.into_iter().map(|permission| permission.name).collect())
    }
}

fn list(ids: &[i64]) -> String {
    let mut text = String::with_capacity(ids.len() * 11);
    for id in ids {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&id.to_string());
    }
    text
}
