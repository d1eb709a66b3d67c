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

    /// The name to cache, and whether it was shortened.
    fn name(info: Self::Info) -> (Self::Name, bool);
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

    fn name(info: UserInfo) -> (Arc<Person>, bool) {
        let UserInfo { mut first_name, mut last_name, mut domain } = info;
        let names = cut_name(&mut first_name) | cut_name(&mut last_name);
        let is_cut = names | cut_address(&mut domain);
        (Arc::new(Person { first_name, last_name, domain }), is_cut)
    }
}

impl Directory for Communities {
    type Name = Arc<Community>;
    type Info = CommunityInfo;
    const IDS_A_CALL: usize = COMMUNITIES_A_CALL;
    const CACHE: Cache = Cache::Communities;
    const DEPENDENCY: Dependency = Dependency::Communities;

    fn name(info: CommunityInfo) -> (Arc<Community>, bool) {
        let CommunityInfo { mut name, mut screen_name } = info;
        let is_cut = cut_name(&mut name) | cut_address(&mut screen_name);
        (Arc::new(Community { name, screen_name }), is_cut)
    }
}

impl Directory for Chats {
    type Name = Arc<str>;
    type Info = ChatInfo;
    const IDS_A_CALL: usize = CHATS_A_CALL;
    const CACHE: Cache = Cache::Chats;
    const DEPENDENCY: Dependency = Dependency::Chats;

    fn name(info: ChatInfo) -> (Arc<str>, bool) {
        let ChatInfo { mut title } = info;
        let is_cut = cut_name(&mut title);
        (title.into(), is_cut)
    }
}

fn cut_name(name: &mut String) -> bool {
    bounds::cut(name, bounds::NAME_BYTES)
}

fn cut_address(address: &mut Option<String>) -> bool {
    address.as_mut().is_some_and(|address| bounds::cut(address, bounds::ADDRESS_BYTES))
}
