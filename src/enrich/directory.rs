//! The directories that names are looked up in: users, communities, chats.

use std::sync::Arc;

use super::cache::Size;
use crate::{
    converter::{Community, Person},
    ops::{dependency::Dependency, metrics::Cache},
    vk::{
        CHATS_A_CALL, COMMUNITIES_A_CALL, ChatInfo, CommunityInfo, Listed, Method, USERS_A_CALL,
        UserInfo, bounds,
    },
};

/// A directory of names by id, and the API method that queries it.
pub(super) trait Directory {
    /// The names of an id.
    type Name: Size + Clone + Send + Sync + 'static;
    /// An element of the method's reply.
    type Info: Listed;
    /// The API method.
    const METHOD: Method = <Self::Info as Listed>::METHOD;
    /// The maximum number of ids in a call.
    const IDS_A_CALL: usize;
    /// The label of its cache in the metrics.
    const CACHE: Cache;
    /// The dependency that fails when the method fails.
    const DEPENDENCY: Dependency;

    /// The kind of id, in stored fields.
    const KIND: &'static str;

    /// The name to cache, and whether it was shortened.
    fn name(info: Self::Info) -> (Self::Name, bool);

    /// A name as JSON, to store it.
    fn to_json(name: &Self::Name) -> serde_json::Result<String>;

    /// What [`to_json`](Self::to_json) made a name of.
    ///
    /// # Errors
    /// The text is something else.
    fn from_json(json: &str) -> serde_json::Result<Self::Info>;
}

/// Users by id.
#[derive(Debug)]
pub(super) struct Users;

/// Communities by positive id.
#[derive(Debug)]
pub(super) struct Communities;

/// Titles of chats by peer id.
#[derive(Debug)]
pub(super) struct Chats;

impl Directory for Users {
    type Name = Arc<Person>;
    type Info = UserInfo;
    const IDS_A_CALL: usize = USERS_A_CALL;
    const CACHE: Cache = Cache::Users;
    const DEPENDENCY: Dependency = Dependency::Users;
    const KIND: &'static str = "user";

    fn name(info: UserInfo) -> (Arc<Person>, bool) {
        let UserInfo { mut first_name, mut last_name, mut domain } = info;
        let names = cut_name(&mut first_name) | cut_name(&mut last_name);
        let is_cut = names | cut_address(&mut domain);
        (Arc::new(Person { first_name, last_name, domain }), is_cut)
    }

    fn to_json(name: &Arc<Person>) -> serde_json::Result<String> {
        let Person { first_name, last_name, domain } = &**name;
        serde_json::to_string(&(first_name, last_name, domain))
    }

    fn from_json(json: &str) -> serde_json::Result<UserInfo> {
        let (first_name, last_name, domain) = serde_json::from_str(json)?;
        Ok(UserInfo { first_name, last_name, domain })
    }
}

impl Directory for Communities {
    type Name = Arc<Community>;
    type Info = CommunityInfo;
    const IDS_A_CALL: usize = COMMUNITIES_A_CALL;
    const CACHE: Cache = Cache::Communities;
    const DEPENDENCY: Dependency = Dependency::Communities;
    const KIND: &'static str = "community";

    fn name(info: CommunityInfo) -> (Arc<Community>, bool) {
        let CommunityInfo { mut name, mut screen_name } = info;
        let is_cut = cut_name(&mut name) | cut_address(&mut screen_name);
        (Arc::new(Community { name, screen_name }), is_cut)
    }

    fn to_json(name: &Arc<Community>) -> serde_json::Result<String> {
        serde_json::to_string(&(&name.name, &name.screen_name))
    }

    fn from_json(json: &str) -> serde_json::Result<CommunityInfo> {
        let (name, screen_name) = serde_json::from_str(json)?;
        Ok(CommunityInfo { name, screen_name })
    }
}

impl Directory for Chats {
    type Name = Arc<str>;
    type Info = ChatInfo;
    const IDS_A_CALL: usize = CHATS_A_CALL;
    const CACHE: Cache = Cache::Chats;
    const DEPENDENCY: Dependency = Dependency::Chats;
    const KIND: &'static str = "chat";

    fn name(info: ChatInfo) -> (Arc<str>, bool) {
        let ChatInfo { mut title } = info;
        let is_cut = cut_name(&mut title);
        (title.into(), is_cut)
    }

    fn to_json(title: &Arc<str>) -> serde_json::Result<String> {
        serde_json::to_string(&**title)
    }

    fn from_json(json: &str) -> serde_json::Result<ChatInfo> {
        Ok(ChatInfo { title: serde_json::from_str(json)? })
    }
}

fn cut_name(name: &mut String) -> bool {
    bounds::cut(name, bounds::NAME_BYTES)
}

fn cut_address(address: &mut Option<String>) -> bool {
    address.as_mut().is_some_and(|address| bounds::cut(address, bounds::ADDRESS_BYTES))
}
