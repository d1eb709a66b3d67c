//! The API methods in use, each with the parameters and response that matter here.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    Api, CallError, ErrorClass, Listed, Listing,
    api::{Permit, Response},
    bounds,
    credential::Credential,
    listing::{self, list},
    long_poll::{Hosts, LongPollServer},
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

#[derive(Deserialize)]
struct Items<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
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
struct LongPollServerResponse {
    server: String,
    key: String,
    ts: Ts,
}

impl Permit<'_> {
    /// What stands for each of `ids`, at most as many as the method takes.
    pub async fn listing<T: Listed>(self, ids: &[i64]) -> Result<Listing<T>, CallError> {
        let parameters = T::parameters(ids);
        let parameters: Vec<_> =
            parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.read(&parameters, |response| listing::read(response.value, ids)).await
    }

    /// The same for at most [`CALLS_AN_EXECUTE`] lists in one call of `execute`, each answered by
    /// itself.
    pub async fn listings<T: Listed>(
        self,
        lists: &[&[i64]],
    ) -> Result<Vec<Part<Listing<T>>>, CallError> {
        let calls = lists.iter().map(|ids| {
            let parameters = T::parameters(ids).into_iter();
            let parameters = parameters.map(|(name, value)| (name.to_owned(), value.into()));
            (T::METHOD, parameters.collect())
        });
        let code = code(calls);
        self.instead(Method::Execute)
            .read(&[("code", &code)], |response| {
                let parts = parts(&response, T::METHOD, lists.len())?.into_iter().zip(lists);
                Ok(parts
                    .map(|(part, ids)| part.and_then(|it| listing::read(it, ids).ok()))
                    .collect())
            })
            .await
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

    /// The same for at most [`CALLS_AN_EXECUTE`] conversations in one call of `execute`. None
    /// where VK refuses those of a conversation: asked for alone, it tells why.
    pub async fn messages_of_several(
        self,
        places: &[(i64, Vec<i64>)],
    ) -> Result<Vec<Option<Vec<(i64, Box<RawValue>)>>>, CallError> {
        let calls = places.iter().map(|(peer_id, cmids)| {
            let parameters = [
                ("peer_id".to_owned(), (*peer_id).into()),
                ("conversation_message_ids".to_owned(), list(cmids).into()),
            ];
            (Method::Messages, Map::from_iter(parameters))
        });
        let code = code(calls);
        self.instead(Method::Execute)
            .read(&[("code", &code)], |response| {
                let parts = parts(&response, Method::Messages, places.len())?;
                let told = |it: &RawValue| serde_json::from_str::<Items<Box<RawValue>>>(it.get());
                let told = |part: Part<&RawValue>| match part.and_then(|it| told(it).ok()) {
                    Part::Received(Items { items }) => Some(by_cmid(items)),
                    Part::Rejected(_) | Part::Unclear => None,
                };
                Ok(parts.into_iter().map(told).collect())
            })
            .await
    }
}

/// The script of `execute` that makes these calls and returns their answers in order.
fn code(calls: impl Iterator<Item = (Method, Map<String, Value>)>) -> String {
    let calls =
        calls.map(|(method, parameters)| format!("API.{method}({})", Value::from(parameters)));
    format!("return [{}];", calls.collect::<Vec<_>>().join(","))
}

/// What VK answered to one of the calls within an `execute`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    /// An answer.
    Received(T),
    /// An error of this class.
    Rejected(ErrorClass),
    /// An answer that cannot be used, or an error that VK does not name.
    Unclear,
}

impl<T> Part<T> {
    fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Part<U> {
        match self {
            Self::Received(told) => read(told).map_or(Part::Unclear, Part::Received),
            Self::Rejected(class) => Part::Rejected(class),
            Self::Unclear => Part::Unclear,
        }
    }
}

#[derive(Deserialize)]
struct InnerError {
    method: String,
    error_code: i64,
}

/// The answers to `number` calls of `method` within an `execute`. `false` stands where VK refuses one;
/// the errors are listed beside them, in the order of the calls.
fn parts<'a>(
    response: &Response<'a>,
    method: Method,
    number: usize,
) -> serde_json::Result<Vec<Part<&'a RawValue>>> {
    let told: Vec<&RawValue> = serde_json::from_str(response.value.get())?;
    let errors = response.execute_errors.map(|errors| serde_json::from_str(errors.get()));
    let mut errors: Vec<InnerError> = errors.and_then(Result::ok).unwrap_or_default();
    errors.retain(|error| error.method == method.as_str());
    let refused = told.iter().filter(|told| told.get() == "false").count();
    // Without one error for each refusal nobody knows which is whose.
    let mut errors =
        Some(errors).filter(|errors| errors.len() == refused).unwrap_or_default().into_iter();
    let part = |told: &'a RawValue| match told.get() {
        "false" => errors.next().map_or(Part::Unclear, |error| {
            Part::Rejected(CallError::class_of(method, error.error_code))
        }),
        _ => Part::Received(told),
    };
    let parts = told.into_iter().map(part).chain(std::iter::repeat_with(|| Part::Unclear));
    Ok(parts.take(number).collect())
}

fn by_cmid(messages: Vec<Box<RawValue>>) -> Vec<(i64, Box<RawValue>)> {
    let keyed = |message: Box<RawValue>| {
        let key: MessageKey = serde_json::from_str(message.get()).ok()?;
        // What is longer than VK's messages are is not held while their events wait.
        let fits = message.get().len() <= bounds::MESSAGE_BYTES;
        fits.then_some((key.conversation_message_id, message))
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
pub const CALLS_AN_EXECUTE: usize = 25;

impl Api {
    /// A Long Poll server to read from, and the newest position there. A server outside the
    /// accepted hosts counts as no usable answer.
    pub async fn long_poll_server(&self) -> Result<(LongPollServer, Ts), CallError> {
        self.long_poll_server_as(&self.credential()).await
    }

    /// The same by the right of another token.
    pub(super) async fn long_poll_server_as(
        &self,
        credential: &Credential,
    ) -> Result<(LongPollServer, Ts), CallError> {
        let method = Method::LongPollServer;
        let group_id = self.group_id().to_string();
        let permit = self.permit(method).await;
        let answer: LongPollServerResponse =
            permit.call_as(credential, &[("group_id", &group_id)]).await?;
        let server = Hosts::beside(self.url())
            .accept(&answer.server)
            .map_err(|reason| CallError::Unreachable { method, reason: reason.into() })?;
        Ok((LongPollServer::new(server, answer.key.into()), answer.ts))
    }

    /// The community's Long Poll settings.
    pub async fn long_poll_settings(&self) -> Result<LongPollSettings, CallError> {
        let group_id = self.group_id().to_string();
        self.permit(Method::LongPollSettings).await.call(&[("group_id", &group_id)]).await
    }

    /// The names of the token's rights, such as `messages` and `manage`.
    pub async fn token_permissions(&self) -> Result<Vec<String>, CallError> {
        let answer: Permissions = self.permit(Method::TokenPermissions).await.call(&[]).await?;
        Ok(answer.permissions.into_iter().map(|permission| permission.name).collect())
    }
}
