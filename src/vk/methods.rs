//! The API methods in use, each with the parameters and response that matter here.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, value::RawValue};
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
    /// Returns the members of a chat.
    #[strum(serialize = "messages.getConversationMembers")]
    Members,
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
        self.read(&borrowed(&parameters), |response| listing::read(response.value, ids)).await
    }

    /// Looks up at most [`CALLS_AN_EXECUTE`] lists in one call of `execute`, each with a result of its own.
    ///
    /// # Errors
    /// If VK answers the whole call with an error, or its response cannot be used.
    pub async fn listings<T: Listed>(
        self,
        lists: &[&[i64]],
    ) -> Result<Vec<Part<Listing<T>>>, CallError> {
        let code = code(lists.iter().map(|ids| (T::METHOD, T::parameters(ids))));
        self.instead(Method::Execute)
            .read(&[("code", &code)], |response| {
                let parts = parts(&response, &vec![T::METHOD; lists.len()])?.into_iter().zip(lists);
                Ok(parts
                    .map(|(part, ids)| part.and_then(|it| listing::read(it, ids).ok()))
                    .collect())
            })
            .await
    }

    /// Requests messages of one conversation by their conversation message ids, at most
    /// [`MESSAGES_A_CALL`]. Returns them as raw message objects, without those that VK does not find.
    ///
    /// # Errors
    /// If VK answers with an error, or its response cannot be used.
    pub async fn messages(self, peer_id: i64, cmids: &[i64]) -> Result<MessageList, CallError> {
        let parameters = message_parameters(peer_id, cmids);
        self.read(&borrowed(&parameters), |response| messages(response.value)).await
    }
}

/// Raw message objects with their conversation message ids.
pub type MessageList = Vec<(i64, Box<RawValue>)>;

/// The parameters of a call, by name.
pub(super) type Parameters = Vec<(&'static str, String)>;

/// Parameters as a call takes them.
pub(super) fn borrowed(parameters: &Parameters) -> Vec<(&str, &str)> {
    parameters.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The script of `execute` that makes these calls and returns their responses in order.
pub(super) fn code(calls: impl Iterator<Item = (Method, Parameters)>) -> String {
    let calls = calls.map(|(method, parameters)| {
        let parameters =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        format!("API.{method}({})", Value::Object(parameters.collect()))
    });
    format!("return [{}];", calls.collect::<Vec<_>>().join(","))
}

/// The result of one of the calls within an `execute`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    /// A response.
    Received(T),
    /// An error: its class and code.
    Rejected(ErrorClass, i64),
    /// A response that cannot be used, or an error whose code is unknown.
    Unclear,
}

impl<T> Part<T> {
    pub(super) fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Part<U> {
        match self {
            Self::Received(value) => read(value).map_or(Part::Unclear, Part::Received),
            Self::Rejected(class, code) => Part::Rejected(class, code),
            Self::Unclear => Part::Unclear,
        }
    }
}

#[derive(Deserialize)]
struct InnerError {
    method: String,
    error_code: i64,
}

/// The results of the calls of `methods` within an `execute`. VK returns `false` for each call that fails, and
/// lists the errors separately, in the order of the calls.
pub(super) fn parts<'a>(
    response: &Response<'a>,
    methods: &[Method],
) -> serde_json::Result<Vec<Part<&'a RawValue>>> {
    let values: Option<First<&RawValue, CALLS_AN_EXECUTE>> =
        serde_json::from_str(response.value.get())?;
    let values = values.unwrap_or_default().items;
    let errors = response.execute_errors.map(|errors| serde_json::from_str(errors.get()));
    let mut errors: Vec<InnerError> = errors.and_then(Result::ok).unwrap_or_default();
    // The last one may be of `execute` itself.
    errors.retain(|error| error.method != <&str>::from(Method::Execute));
    let failed = values.iter().filter(|value| value.get() == "false").count();
    // Unless there is one error for each failed call, they cannot be assigned.
    let mut errors =
        Some(errors).filter(|errors| errors.len() == failed).unwrap_or_default().into_iter();
    let part = |(value, method): (&'a RawValue, &Method)| match value.get() {
        "false" => errors
            .next()
            .filter(|error| error.method == <&str>::from(method))
            .map_or(Part::Unclear, |InnerError { error_code, .. }| {
                Part::Rejected(class(*method, error_code), error_code)
            }),
        _ => Part::Received(value),
    };
    let parts = values.into_iter().zip(methods).map(part);
    Ok(parts.chain(std::iter::repeat_with(|| Part::Unclear)).take(methods.len()).collect())
}

/// The parameters of a call for messages of one conversation.
pub(super) fn message_parameters(peer_id: i64, cmids: &[i64]) -> Parameters {
    vec![("peer_id", peer_id.to_string()), ("conversation_message_ids", list(cmids))]
}

/// The messages in a response, with their conversation message ids.
pub(super) fn messages(response: &RawValue) -> serde_json::Result<MessageList> {
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
