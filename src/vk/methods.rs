//! The API methods in use, each with the parameters and response that matter here.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json, value::RawValue};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    Api, CallError, ErrorClass, Listed, Listing,
    api::Permit,
    bounds,
    config::Credential,
    error::class,
    field::{Field, First},
    listing::{self, list},
    long_poll::{LongPollServer, accept},
    response::Response,
};
use crate::ts::Ts;

/// An API method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, IntoStaticStr, VariantArray)]
pub enum Method {
    /// Returns a Long Poll server.
    #[strum(serialize = "groups.getLongPollServer")]
    LongPollServer,
    /// Returns the community's Long Poll settings.
    #[strum(serialize = "groups.getLongPollSettings")]
    LongPollSettings,
    /// Returns the token's rights.
    #[strum(serialize = "groups.getTokenPermissions")]
    TokenPermissions,
    /// Returns users.
    #[strum(serialize = "users.get")]
    Users,
    /// Returns communities.
    #[strum(serialize = "groups.getById")]
    Communities,
    /// Returns chats.
    #[strum(serialize = "messages.getConversationsById")]
    Conversations,
    /// Returns messages.
    #[strum(serialize = "messages.getByConversationMessageId")]
    Messages,
    /// Makes several calls.
    #[strum(serialize = "execute")]
    Execute,
}

/// The response of `groups.getLongPollSettings`.
#[derive(Debug, Deserialize)]
pub struct LongPollSettings {
    /// Whether Long Poll is on.
    #[serde(deserialize_with = "flag")]
    pub is_enabled: bool,
    /// The API version in which updates are written.
    pub api_version: Option<String>,
    /// The event types; 0 for those that are not sent.
    #[serde(default)]
    pub events: std::collections::BTreeMap<String, i64>,
}

fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Field::deserialize(from)? {
        Field::Is(flag) => Ok(flag),
        Field::Absent | Field::Other(_) => Err(D::Error::custom("not a flag")),
    }
}

#[derive(Deserialize)]
struct Messages {
    items: Option<First<Box<RawValue>, MESSAGES_A_CALL>>,
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
    /// Looks up `ids`, at most as many as the method takes.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used.
    pub async fn listing<T: Listed>(self, ids: &[i64]) -> Result<Listing<T>, CallError> {
        let parameters = T::parameters(ids);
        let parameters: Vec<_> =
            parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.read(&parameters, |response| listing::read(response.value, ids)).await
    }

    /// Looks up at most [`CALLS_AN_EXECUTE`] lists in one call of `execute`, each with a result of its own.
    ///
    /// # Errors
    /// If VK answers the whole call with an error, or its response cannot be used.
    pub async fn listings<T: Listed>(
        mut self,
        lists: &[&[i64]],
    ) -> Result<Vec<Part<Listing<T>>>, CallError> {
        let calls = lists.iter().map(|ids| (T::METHOD, T::parameters(ids).into_iter().collect()));
        let code = code(calls);
        self.method = Method::Execute;
        self.read(&[("code", &code)], |response| {
            let parts = parts(&response, T::METHOD, lists.len())?.into_iter().zip(lists);
            Ok(parts.map(|(part, ids)| part.and_then(|it| listing::read(it, ids).ok())).collect())
        })
        .await
    }

    /// Requests messages of one conversation by their conversation message ids, at most
    /// [`MESSAGES_A_CALL`]. Returns them as raw message objects, without those that VK does not find.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used.
    pub async fn messages(
        self,
        peer_id: i64,
        cmids: &[i64],
    ) -> Result<Vec<(i64, Box<RawValue>)>, CallError> {
        let peer_id = peer_id.to_string();
        let params = [("peer_id", peer_id.as_str()), ("conversation_message_ids", &list(cmids))];
        self.read(&params, |response| messages(response.value)).await
    }

    /// Requests messages of at most [`CALLS_AN_EXECUTE`] conversations in one call of `execute`. Returns none
    /// for a conversation that VK rejects; a call for it alone returns the error.
    ///
    /// # Errors
    /// If VK answers the whole call with an error, or its response cannot be used.
    pub async fn messages_of_several(
        mut self,
        conversations: &[(i64, Vec<i64>)],
    ) -> Result<Vec<Option<Vec<(i64, Box<RawValue>)>>>, CallError> {
        let calls = conversations.iter().map(|(peer_id, cmids)| {
            let parameters = json!({"peer_id": peer_id, "conversation_message_ids": list(cmids)});
            (Method::Messages, parameters)
        });
        let code = code(calls);
        self.method = Method::Execute;
        self.read(&[("code", &code)], |response| {
            let parts = parts(&response, Method::Messages, conversations.len())?;
            let read = |part: Part<&RawValue>| match part.and_then(|it| messages(it).ok()) {
                Part::Received(messages) => Some(messages),
                Part::Rejected(_) | Part::Unclear => None,
            };
            Ok(parts.into_iter().map(read).collect())
        })
        .await
    }
}

/// The script of `execute` that makes these calls and returns their responses in order.
fn code(calls: impl Iterator<Item = (Method, Value)>) -> String {
    let calls: Vec<_> =
        calls.map(|(method, parameters)| format!("API.{method}({parameters})")).collect();
    format!("return [{}];", calls.join(","))
}

/// The result of one of the calls within an `execute`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    /// A response.
    Received(T),
    /// An error of this class.
    Rejected(ErrorClass),
    /// A response that cannot be used, or an error whose code is unknown.
    Unclear,
}

impl<T> Part<T> {
    fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Part<U> {
        match self {
            Self::Received(value) => read(value).map_or(Part::Unclear, Part::Received),
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

/// The results of `number` calls of `method` within an `execute`. VK returns `false` for each call that
/// fails, and lists the errors separately, in the order of the calls.
fn parts<'a>(
    response: &Response<'a>,
    method: Method,
    number: usize,
) -> serde_json::Result<Vec<Part<&'a RawValue>>> {
    let values: Option<First<&RawValue, CALLS_AN_EXECUTE>> =
        serde_json::from_str(response.value.get())?;
    let values = values.unwrap_or_default().items;
    let errors = response.execute_errors.map(|errors| serde_json::from_str(errors.get()));
    let mut errors: Vec<InnerError> = errors.and_then(Result::ok).unwrap_or_default();
    errors.retain(|error| error.method == <&str>::from(method));
    let failed = values.iter().filter(|value| value.get() == "false").count();
    // Unless there is one error for each failed call, they cannot be assigned.
    let mut errors =
        Some(errors).filter(|errors| errors.len() == failed).unwrap_or_default().into_iter();
    let part = |value: &'a RawValue| match value.get() {
        "false" => errors
            .next()
            .map_or(Part::Unclear, |error| Part::Rejected(class(method, error.error_code))),
        _ => Part::Received(value),
    };
    let parts = values.into_iter().map(part).chain(std::iter::repeat_with(|| Part::Unclear));
    Ok(parts.take(number).collect())
}

/// The messages in a response, with their conversation message ids.
fn messages(response: &RawValue) -> serde_json::Result<Vec<(i64, Box<RawValue>)>> {
    let Messages { items } = serde_json::from_str(response.get())?;
    let keyed = |message: Box<RawValue>| {
        let key: MessageKey = serde_json::from_str(message.get()).ok()?;
        // Longer than any message of VK: not kept in memory while events wait.
        let fits = message.get().len() <= bounds::MESSAGE_BYTES;
        fits.then_some((key.conversation_message_id, message))
    };
    Ok(items.unwrap_or_default().items.into_iter().filter_map(keyed).collect())
}

/// The most ids that `users.get` takes.
pub const USERS_A_CALL: usize = 1000;
/// The most ids that `groups.getById` takes.
pub const COMMUNITIES_A_CALL: usize = 500;
/// The most ids that `messages.getConversationsById` takes.
pub const CHATS_A_CALL: usize = 100;
/// The most ids that `messages.getByConversationMessageId` takes.
pub const MESSAGES_A_CALL: usize = 100;
/// The most calls within one `execute`.
pub const CALLS_AN_EXECUTE: usize = 25;

impl Api {
    /// Requests a Long Poll server and VK's newest position.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used, be it because the server is not on a host
    /// of VK.
    pub async fn long_poll_server(&self) -> Result<(LongPollServer, Ts), CallError> {
        self.long_poll_server_as(self.credential()).await
    }

    /// Requests a Long Poll server with a token other than the one in use.
    pub(super) async fn long_poll_server_as(
        &self,
        credential: Arc<Credential>,
    ) -> Result<(LongPollServer, Ts), CallError> {
        let method = Method::LongPollServer;
        let group_id = self.group_id().to_string();
        let mut permit = self.permit(method).await;
        permit.credential = credential;
        let response: LongPollServerResponse = permit.call(&[("group_id", &group_id)]).await?;
        let server = accept(&response.server, self.url())
            .map_err(|reason| CallError::Unreachable { method, reason: reason.into() })?;
        Ok((LongPollServer::new(server, response.key.into()), response.ts))
    }

    /// Requests the community's Long Poll settings.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used.
    pub async fn long_poll_settings(&self) -> Result<LongPollSettings, CallError> {
        let group_id = self.group_id().to_string();
        self.permit(Method::LongPollSettings).await.call(&[("group_id", &group_id)]).await
    }

    /// Requests the names of the token's rights, such as `messages` and `manage`.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used.
    pub async fn token_permissions(&self) -> Result<Vec<String>, CallError> {
        let response: Permissions = self.permit(Method::TokenPermissions).await.call(&[]).await?;
        Ok(response.permissions.into_iter().map(|permission| permission.name).collect())
    }
}
