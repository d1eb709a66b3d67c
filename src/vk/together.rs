//! Look-ups of several kinds in one call of `execute`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    CallError, ChatInfo, CommunityInfo, ErrorClass, Listed, Listing, Method, Part, Permit,
    UserInfo,
    listing::{self, List},
    methods::{MessageList, Parameters, borrowed, code, message_parameters, messages, parts},
};

/// The most members that one call returns.
pub const MEMBERS_A_CALL: usize = 200;

/// What one `execute` looks up. Each list that is not empty is one call, and so is each conversation and each page of
/// members; at most [`CALLS_AN_EXECUTE`](super::CALLS_AN_EXECUTE) in all.
#[derive(Debug, Default)]
pub struct Together<'a> {
    /// User ids.
    pub users: &'a [i64],
    /// Community ids.
    pub communities: &'a [i64],
    /// Peer ids of chats.
    pub chats: &'a [i64],
    /// Conversations with the conversation message ids of messages.
    pub messages: &'a [(i64, Vec<i64>)],
    /// Peer ids of chats, each with the number of members to leave out at first.
    pub members: &'a [(i64, usize)],
}

/// The results of a [`Together`]. None for an empty list, and for a list or a conversation that VK rejects or whose
/// response cannot be used: a call for it alone returns the error.
#[derive(Debug)]
pub struct TogetherAnswer {
    /// Users.
    pub users: Option<Listing<UserInfo>>,
    /// Communities.
    pub communities: Option<Listing<CommunityInfo>>,
    /// Chats.
    pub chats: Option<Listing<ChatInfo>>,
    /// The messages of each conversation, by conversation message id.
    pub messages: Vec<Option<MessageList>>,
    /// A page of the members of each chat.
    pub members: Vec<Part<MembersPage>>,
}

/// Some of the members of a chat, by id.
#[derive(Debug, PartialEq, Eq)]
pub struct MembersPage {
    /// Users.
    pub users: Vec<(i64, UserInfo)>,
    /// Communities, by positive id.
    pub communities: Vec<(i64, CommunityInfo)>,
    /// The chat may have members after these.
    pub more: bool,
}

impl Permit<'_> {
    /// Looks up several kinds in one call of `execute`.
    ///
    /// # Errors
    ///
    /// If VK answers the whole call with an error, or its response cannot be used.
    pub async fn together(self, wanted: &Together<'_>) -> Result<TogetherAnswer, CallError> {
        let mut calls = Vec::new();
        add::<UserInfo>(&mut calls, wanted.users);
        add::<CommunityInfo>(&mut calls, wanted.communities);
        add::<ChatInfo>(&mut calls, wanted.chats);
        let conversations = wanted.messages.iter();
        calls.extend(
            conversations.map(|(peer, cmids)| (Method::Messages, message_parameters(*peer, cmids))),
        );
        let chats = wanted.members.iter();
        calls.extend(chats.map(|&(chat, from)| (Method::Members, member_parameters(chat, from))));
        let methods: Vec<_> = calls.iter().map(|(method, _)| *method).collect();
        let code = code(calls.into_iter());
        let api = self.api();
        self.instead(Method::Execute)
            .read(&[("code", &code)], |response| {
                let parts = parts(&response, &methods)?;
                for (method, part) in methods.iter().zip(&parts) {
                    if let Part::Rejected(ErrorClass::Throttled, code) = part {
                        api.apply_backoff(*method, *code);
                    }
                }
                let mut parts = parts.into_iter();
                Ok(TogetherAnswer {
                    users: listing(&mut parts, wanted.users),
                    communities: listing(&mut parts, wanted.communities),
                    chats: listing(&mut parts, wanted.chats),
                    messages: parts
                        .by_ref()
                        .take(wanted.messages.len())
                        .map(|part| received(part.and_then(|it| messages(it).ok())))
                        .collect(),
                    members: parts.map(|part| part.and_then(|it| members(it).ok())).collect(),
                })
            })
            .await
    }

    /// Requests the members of a chat, without the first `from`.
    ///
    /// # Errors
    ///
    /// If VK answers with an error, or its response cannot be used.
    pub async fn members(self, chat: i64, from: usize) -> Result<MembersPage, CallError> {
        let parameters = member_parameters(chat, from);
        self.read(&borrowed(&parameters), |response| members(response.value)).await
    }
}

fn add<T: Listed>(calls: &mut Vec<(Method, Parameters)>, ids: &[i64]) {
    if !ids.is_empty() {
        calls.push((T::METHOD, T::parameters(ids)));
    }
}

fn listing<'a, T: Listed>(
    parts: &mut impl Iterator<Item = Part<&'a RawValue>>,
    ids: &[i64],
) -> Option<Listing<T>> {
    let part = if ids.is_empty() { None } else { parts.next() };
    received(part?.and_then(|it| listing::read(it, ids).ok()))
}

fn received<T>(part: Part<T>) -> Option<T> {
    match part {
        Part::Received(value) => Some(value),
        Part::Rejected(..) | Part::Unclear => None,
    }
}

fn member_parameters(chat: i64, from: usize) -> Parameters {
    vec![
        ("peer_id", chat.to_string()),
        ("offset", from.to_string()),
        ("count", MEMBERS_A_CALL.to_string()),
        ("extended", "1".to_owned()),
        ("fields", "domain".to_owned()),
    ]
}

/// The response of `messages.getConversationMembers`.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    items: List<'a>,
    #[serde(borrow, default)]
    profiles: List<'a>,
    #[serde(borrow, default)]
    groups: List<'a>,
}

fn members(response: &RawValue) -> serde_json::Result<MembersPage> {
    let Members { items, profiles, groups } = serde_json::from_str(response.get())?;
    let more = items.items.len() >= MEMBERS_A_CALL;
    Ok(MembersPage { users: found(profiles), communities: found(groups), more })
}

fn found<T: Listed>(elements: List<'_>) -> Vec<(i64, T)> {
    let found = |raw| Some((T::id(raw)?, T::object(raw).ok()??));
    elements.items.into_iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_and_odd_ones_left_out() {
        let page = r#"{"count":3,"items":[{"member_id":1},{"member_id":2},{"member_id":-5}],
            "profiles":[{"id":1,"first_name":"Anna","last_name":""},{"id":2,"first_name":7},null],
            "groups":[{"id":5,"name":"Tea","screen_name":"tea"}]}"#;
        let page = members(serde_json::from_str(page).unwrap()).unwrap();
        assert_eq!(page.users.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1]);
        assert_eq!(page.communities[0].1.name, "Tea");
        assert!(!page.more);
    }

    #[test]
    fn a_full_page_may_be_followed_by_another() {
        let items = vec!["{}"; MEMBERS_A_CALL].join(",");
        let page = format!(r#"{{"count":900,"items":[{items}]}}"#);
        assert!(members(serde_json::from_str(&page).unwrap()).unwrap().more);
    }
}
