//! The three directories that VK keeps names in, and how each is asked.

use std::{collections::HashMap, sync::Arc};

use super::known::{Community, Person};
use crate::{
    metrics::Cache,
    ops::dependency::Dependency,
    vk::{CHATS_A_CALL, COMMUNITIES_A_CALL, CallError, Method, Turn, USERS_A_CALL},
};

/// A directory of names by id.
pub(super) trait Directory {
    /// What an id stands for.
    type Name: Clone + Send + Sync + 'static;
    /// The API method that tells it.
    const METHOD: Method;
    /// Most ids a call takes.
    const IDS_A_CALL: usize;
    /// The label of its cache in the metrics.
    const CACHE: Cache;
    /// Who is at fault when it cannot be asked.
    const DEPENDENCY: Dependency;

    /// Asks VK. Ids that it leaves out are unknown to it.
    fn ask(
        turn: Turn<'_>,
        ids: &[i64],
    ) -> impl Future<Output = Result<HashMap<i64, Self::Name>, CallError>> + Send;
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
    const METHOD: Method = Method::Users;
    const IDS_A_CALL: usize = USERS_A_CALL;
    const CACHE: Cache = Cache::Users;
    const DEPENDENCY: Dependency = Dependency::Users;

    async fn ask(turn: Turn<'_>, ids: &[i64]) -> Result<HashMap<i64, Self::Name>, CallError> {
        let person = |user: crate::vk::UserInfo| {
            let (first_name, last_name) = (user.first_name, user.last_name);
            let domain = user.domain.filter(|domain| !domain.is_empty());
            (user.id, Arc::new(Person { first_name, last_name, domain }))
        };
        Ok(turn.users(ids).await?.into_iter().map(person).collect())
    }
}

impl Directory for Communities {
    type Name = Arc<Community>;
    const METHOD: Method = Method::Communities;
    const IDS_A_CALL: usize = COMMUNITIES_A_CALL;
    const CACHE: Cache = Cache::Communities;
    const DEPENDENCY: Dependency = Dependency::Communities;

    async fn ask(turn: Turn<'_>, ids: &[i64]) -> Result<HashMap<i64, Self::Name>, CallError> {
        let community = |info: crate::vk::CommunityInfo| {
            let screen_name = info.screen_name.filter(|name| !name.is_empty());
            (info.id, Arc::new(Community { name: info.name, screen_name }))
        };
        Ok(turn.communities(ids).await?.into_iter().map(community).collect())
    }
}

impl Directory for Chats {
    type Name = Arc<str>;
    const METHOD: Method = Method::Conversations;
    const IDS_A_CALL: usize = CHATS_A_CALL;
    const CACHE: Cache = Cache::Chats;
    const DEPENDENCY: Dependency = Dependency::Chats;

    async fn ask(turn: Turn<'_>, ids: &[i64]) -> Result<HashMap<i64, Self::Name>, CallError> {
        let chats = turn.chats(ids).await?;
        Ok(chats.into_iter().map(|chat| (chat.peer_id, chat.title.into())).collect())
    }
}
