//! Makes the calls: all that is to be looked up goes into one `execute`, where that is fewer calls.
//!
//! The calls that events wait for precede the others: refreshes of old names, and the members of chats. What an
//! `execute` does not answer is asked for by calls of its own.

use std::{sync::Mutex, time::Duration};

use futures::{
    StreamExt,
    future::{OptionFuture, select_all},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, timeout};

use super::{
    Enricher,
    cropped::Conversations,
    directory::Directory,
    lookup::{List, Lookup},
    query::lock,
};
use crate::{
    ops::retry::Backoff,
    vk::{
        CALLS_AN_EXECUTE, CallError, ErrorClass, Listing, MembersPage, Method, Part, Permit,
        Priority, Together, TogetherAnswer,
    },
};

/// How long calls that nothing waits for gather ids and chats.
const GATHER: Duration = Duration::from_secs(2);
/// After so long without an answer to an `execute`, its parts are asked for by calls of their own.
const OVERDUE: Duration = Duration::from_secs(5);
/// The calls of an `execute` for users, communities and chats; the others are for conversations.
const LISTS: usize = 3;

/// Whether `execute` works. After each failure of the whole call it is not used for a growing time.
#[derive(Debug)]
pub(super) struct Executes(Mutex<(Option<Instant>, Backoff)>);

impl Default for Executes {
    fn default() -> Self {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(600));
        Self(Mutex::new((None, backoff)))
    }
}

impl Executes {
    fn are_usable(&self) -> bool {
        lock(&self.0).0.is_none_or(|from| from <= Instant::now())
    }

    fn worked(&self) {
        let (from, backoff) = &mut *lock(&self.0);
        *from = None;
        backoff.reset();
    }

    fn failed(&self) {
        let (from, backoff) = &mut *lock(&self.0);
        *from = Some(Instant::now() + backoff.fail());
    }
}

/// What the next call looks up.
#[derive(Default)]
struct Work<'a> {
    users: Option<List<'a>>,
    communities: Option<List<'a>>,
    chats: Option<List<'a>>,
    messages: Option<Conversations<'a>>,
    /// Chats, each with the number of members read already.
    members: Vec<(i64, usize)>,
}

impl Work<'_> {
    /// The number of calls without `execute`.
    fn calls(&self) -> usize {
        let lists = [&self.users, &self.communities, &self.chats];
        let messages = self.messages.as_ref().map_or(0, |it| it.places().len());
        lists.into_iter().flatten().count() + messages + self.members.len()
    }
}

impl Enricher {
    /// Calls VK's API for all look-ups, for as long as it is polled. Ends only with a permanent error.
    pub async fn run(&self) -> CallError {
        // Boxed, because they are large.
        let calls = [Priority::Event, Priority::Background].map(|it| Box::pin(self.calls(it)));
        select_all(calls).await.0
    }

    async fn calls(&self, priority: Priority) -> CallError {
        let mut calls = FuturesUnordered::new();
        // Kept while calls end, so that it keeps its place at the rate limit.
        let mut permit = std::pin::pin!(self.permit(priority));
        loop {
            tokio::select! {
                Some(result) = calls.next(), if !calls.is_empty() => {
                    if let Err(error) = result {
                        return error;
                    }
                }
                next = &mut permit => {
                    let work = self.dequeue(next.method(), priority);
                    calls.push(self.look_up_now(next, work));
                    permit.set(self.permit(priority));
                }
            }
        }
    }

    /// Waits until a call is wanted, then for the rate limit: what is enqueued meanwhile goes into the same call.
    async fn permit(&self, priority: Priority) -> Permit<'_> {
        let wake = match priority {
            Priority::Event => &self.wake.event,
            Priority::Background => &self.wake.background,
        };
        let mut has_gathered = priority == Priority::Event;
        loop {
            let methods = self.wanted(priority);
            if methods.is_empty() {
                wake.notified().await;
                continue;
            }
            if !has_gathered {
                self.gather().await;
                has_gathered = true;
                continue;
            }
            let permits = methods.iter().map(|method| {
                let permit = self.api.permit_with(*method, priority);
                Box::pin(permit)
            });
            let changed = async {
                while self.wanted(priority) == methods {
                    wake.notified().await;
                }
            };
            tokio::select! {
                biased;
                (permit, ..) = select_all(permits) => return permit,
                () = changed => {}
            }
        }
    }

    /// Waits until there is enough for a call of `execute`, or for some seconds.
    async fn gather(&self) {
        let enough = async {
            while self.members.wanted() < CALLS_AN_EXECUTE - LISTS {
                self.wake.background.notified().await;
            }
        };
        let _ = timeout(GATHER, enough).await;
    }

    /// The methods that may be called next, the best one first.
    fn wanted(&self, priority: Priority) -> Vec<Method> {
        let mut methods = Vec::new();
        let mut add = |calls: usize, method| methods.extend(vec![method; calls]);
        add(usize::from(self.users.is_wanted(priority)), Method::Users);
        add(usize::from(self.communities.is_wanted(priority)), Method::Communities);
        add(usize::from(self.chats.is_wanted(priority)), Method::Conversations);
        match priority {
            Priority::Event => add(self.cropped.wanted(&self.api), Method::Messages),
            Priority::Background => add(self.members.wanted(), Method::Members),
        }
        let together = methods.iter().filter(|method| !self.api.is_throttled(**method)).count();
        methods.dedup();
        let is_usable = self.executes.are_usable() && !self.api.is_throttled(Method::Execute);
        if together > 1 && is_usable {
            methods.insert(0, Method::Execute);
        }
        methods
    }

    /// What a call of `method` looks up.
    fn dequeue(&self, method: Method, priority: Priority) -> Work<'_> {
        let is_part = |part: Method| {
            method == part || method == Method::Execute && !self.api.is_throttled(part)
        };
        let most = if method == Method::Execute { CALLS_AN_EXECUTE - LISTS } else { 1 };
        let mut work = Work::default();
        if is_part(Method::Users) {
            work.users = self.users.dequeue();
        }
        if is_part(Method::Communities) {
            work.communities = self.communities.dequeue();
        }
        if is_part(Method::Conversations) {
            work.chats = self.chats.dequeue();
        }
        match priority {
            Priority::Event if is_part(Method::Messages) => {
                work.messages = self.cropped.dequeue(most);
            }
            Priority::Background if is_part(Method::Members) => {
                work.members = self.members.dequeue(most);
            }
            _ => {}
        }
        work
    }

    /// Looks up what a call was made for, however many calls that takes. Fails only with a permanent error.
    async fn look_up_now(&self, permit: Permit<'_>, mut work: Work<'_>) -> Result<(), CallError> {
        let mut permit = Some(permit);
        if work.calls() > 1
            && let Some(permit) = permit.take()
        {
            self.look_up_together(permit, &mut work).await;
        }
        // If there is only one part, the permit is for it.
        let mut permit_for = |method| permit.take().map(|permit| permit.instead(method));
        let Work { users, communities, chats, messages, members } = work;
        let api = &self.api;
        let users = users.map(|list| self.users.query_all(api, permit_for(Method::Users), list));
        let communities = communities
            .map(|list| self.communities.query_all(api, permit_for(Method::Communities), list));
        let chats =
            chats.map(|list| self.chats.query_all(api, permit_for(Method::Conversations), list));
        let messages = messages.map(|it| self.cropped.query(api, permit_for(Method::Messages), it));
        let members =
            (!members.is_empty()).then(|| self.query_members(permit_for(Method::Members), members));
        let (users, communities, chats, messages, _) = tokio::join!(
            OptionFuture::from(users),
            OptionFuture::from(communities),
            OptionFuture::from(chats),
            OptionFuture::from(messages),
            OptionFuture::from(members),
        );
        [users, communities, chats, messages].into_iter().flatten().collect()
    }

    /// Looks up everything in one `execute`. What it does not answer stays in `work`, but for members, which are
    /// read again later.
    async fn look_up_together(&self, permit: Permit<'_>, work: &mut Work<'_>) {
        let started = Instant::now();
        let messages = work.messages.as_ref().map(Conversations::places).unwrap_or_default();
        let ids = |list: &Option<List<'_>>| list.as_ref().map_or(Vec::new(), |it| it.ids.clone());
        let (users, communities, chats) =
            (ids(&work.users), ids(&work.communities), ids(&work.chats));
        let wanted = Together {
            users: &users,
            communities: &communities,
            chats: &chats,
            messages: &messages,
            members: &work.members,
        };
        let answer = match timeout(OVERDUE, permit.together(&wanted)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::debug!(%error, "VK does not answer execute: its parts are looked up one by one");
                if error.class() != ErrorClass::Throttled {
                    self.executes.failed();
                }
                return;
            }
            Err(_) => {
                let seconds = OVERDUE.as_secs();
                tracing::debug!(
                    seconds,
                    "no answer to execute: its parts are looked up one by one"
                );
                return self.executes.failed();
            }
        };
        self.executes.worked();
        let TogetherAnswer { users, communities, chats, messages, members } = answer;
        store(&self.users, &mut work.users, users, started);
        store(&self.communities, &mut work.communities, communities, started);
        store(&self.chats, &mut work.chats, chats, started);
        if let Some(conversations) = &mut work.messages {
            self.cropped.answered(conversations, messages);
        }
        for ((chat, from), part) in std::mem::take(&mut work.members).into_iter().zip(members) {
            match part {
                Part::Received(page) => self.store_members(chat, from, page),
                Part::Rejected(ErrorClass::Skip | ErrorClass::Permanent, _) => {
                    self.members.is_denied(chat);
                }
                Part::Rejected(..) | Part::Unclear => {}
            }
        }
    }

    /// Reads members by a call for each chat.
    async fn query_members(&self, mut permit: Option<Permit<'_>>, chats: Vec<(i64, usize)>) {
        for (chat, from) in chats {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => self.api.permit_with(Method::Members, Priority::Background).await,
            };
            match permit.members(chat, from).await {
                Ok(page) => self.store_members(chat, from, page),
                Err(error) => match error.class() {
                    ErrorClass::Skip | ErrorClass::Permanent => self.members.is_denied(chat),
                    ErrorClass::Transient | ErrorClass::Throttled => {}
                },
            }
        }
    }

    fn store_members(&self, chat: i64, from: usize, page: MembersPage) {
        let MembersPage { users, communities, more } = page;
        self.users.store_all(users);
        self.communities.store_all(communities);
        self.members.was_read(chat, from, more);
    }
}

/// Stores the part of an `execute` for one list, and keeps the ids without an answer.
fn store<D: Directory>(
    lookup: &Lookup<D>,
    list: &mut Option<List<'_>>,
    part: Option<Listing<D::Info>>,
    started: Instant,
) {
    if let (Some(asked), Some(listing)) = (list.as_mut(), part) {
        asked.ids = lookup.store(listing, started);
        if asked.ids.is_empty() {
            *list = None;
        }
    }
}
