//! Enrichment: looks up the names of users, communities and chats, and cropped messages, in as few calls as
//! VK allows. Names are cached.

mod bisect;
mod busy;
mod cache;
mod calls;
mod config;
mod cropped;
mod directory;
mod lookup;
mod members;
mod query;
mod rejected;
mod stored;
mod token_check;

use std::sync::Arc;

use crate::{
    converter::{self, LookupRequest, Lookups, PartialEvent, Rules},
    event::Event,
    ops::{health::Health, metrics::Enrichment},
    vk::{Api, Identity},
};
use busy::Wake;
use calls::Executes;
pub use config::{Config, Unresolved};
use cropped::Cropped;
use directory::{Chats, Communities, Users};
use lookup::{Lookup, Policy};
use members::Members;
pub use stored::user_field;

/// Looks up what events need to be complete.
pub struct Enricher {
    api: Arc<Api>,
    users: Lookup<Users>,
    communities: Lookup<Communities>,
    chats: Lookup<Chats>,
    cropped: Cropped,
    members: Arc<Members>,
    executes: Executes,
    wake: Arc<Wake>,
}

impl Enricher {
    /// An enricher with empty caches. It works while [`run`](Self::run) is polled.
    #[must_use]
    pub fn new(
        api: Arc<Api>,
        settings: &Config,
        health: &Arc<Health>,
        metrics: &Enrichment,
    ) -> Self {
        let (users, chats, ttls) = (settings.users, settings.chats, settings.ttls());
        let policy = Policy {
            unresolved: settings.unresolved,
            after: settings.unresolved_after,
            persist: settings.persist,
        };
        let wake = Arc::new(Wake::default());
        Self {
            api,
            users: Lookup::new(users, ttls, policy, health.clone(), metrics, wake.clone()),
            communities: Lookup::new(chats, ttls, policy, health.clone(), metrics, wake.clone()),
            chats: Lookup::new(chats, ttls, policy, health.clone(), metrics, wake.clone()),
            cropped: Cropped::new(
                health.clone(),
                metrics.messages_incomplete.clone(),
                wake.clone(),
            ),
            members: Arc::new(Members::new(chats, ttls.soft)),
            executes: Executes::default(),
            wake,
        }
    }

    /// Starts the look-ups for a batch at once; the future is their results. Call in VK's order: a chat's
    /// new title applies to the batches after it.
    ///
    /// The future waits as long as VK's API fails, so that no event has a guessed identity. Absent from the
    /// results are ids that VK does not know, ids that were given up (see `names.unresolved`), and cropped
    /// messages that VK does not return in time.
    pub fn look_up(&self, partials: &[PartialEvent]) -> impl Future<Output = Lookups> + use<> {
        let mut request = LookupRequest::default();
        for partial in partials {
            partial.add_to(&mut request);
        }
        let strangers = self.learn(partials);
        let users = self.users.start(&request.users);
        let communities = self.communities.start(&request.communities);
        let chats = self.chats.start(&request.chats);
        let messages = self.cropped.start(request.messages);
        for (peer_id, title) in partials.iter().filter_map(PartialEvent::new_title) {
            self.chats.set(peer_id, &title.into());
        }
        let (members, wake) = (self.members.clone(), self.wake.clone());
        async move {
            let (users, communities, chats, messages) = tokio::join!(
                users.finish(),
                communities.finish(),
                chats.finish(),
                messages.finish()
            );
            // A chat whose title VK hides cannot be read.
            let readable = strangers.into_iter().filter(|chat| chats.contains_key(chat));
            if readable.filter(|chat| members.stranger_in(*chat)).count() > 0 {
                wake.background.notify_one();
            }
            Lookups { users, communities, chats, messages }
        }
    }

    /// Looks up in the background who joins a chat. Returns the chats in which strangers write, whose members are to
    /// be read.
    fn learn(&self, partials: &[PartialEvent]) -> Vec<i64> {
        partials.iter().filter_map(PartialEvent::joined).for_each(|user| self.users.prefetch(user));
        let stranger_in = |partial: &PartialEvent| match (partial.author(), partial.peer()) {
            (Identity::User(author), Identity::Chat(chat)) => {
                (!self.users.has(author)).then_some(chat)
            }
            _ => None,
        };
        if !self.users.has_capacity() {
            return Vec::new();
        }
        partials.iter().filter_map(stranger_in).collect()
    }

    /// Looks up what a batch needs and completes its events, in the same order.
    pub async fn complete(&self, partials: Vec<PartialEvent>, rules: &Rules) -> Vec<Event> {
        let mut lookups = self.look_up(&partials).await;
        converter::complete(partials, &mut lookups, rules).collect()
    }
}
