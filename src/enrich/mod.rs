//! Who is who: names of users, communities and chats, looked up in batches and cached.

mod asking;
mod cache;
mod config;
mod cropped;
mod directory;
mod known;
mod lookup;
mod refused;
mod suspects;
mod token;

use std::sync::Arc;

use crate::{
    ops::{health::Health, metrics::Enrichment},
    vk::{Api, CallError},
};
pub use config::{Config, Unresolved};
use cropped::{Coming, Cropped};
use directory::{Chats, Communities, Users};
pub use known::{Community, LookupRequest, Lookups, MessagePlace, Person};
use lookup::{Lookup, Pending, Policy};

/// The names known so far, and the way to ask for more.
pub struct Enricher {
    api: Arc<Api>,
    users: Lookup<Users>,
    communities: Lookup<Communities>,
    chats: Lookup<Chats>,
    cropped: Cropped,
}

/// What a batch needs, partly known, partly being asked for.
pub struct Request {
    users: Pending<Arc<Person>>,
    communities: Pending<Arc<Community>>,
    chats: Pending<Arc<str>>,
    messages: Coming,
}

impl Enricher {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(
        api: Arc<Api>,
        settings: &Config,
        health: &Arc<Health>,
        metrics: &Enrichment,
    ) -> Self {
        let (users, chats, ttls) = (settings.users, settings.chats, settings.ttls());
        let policy = Policy { unresolved: settings.unresolved, after: settings.unresolved_after };
        Self {
            api,
            users: Lookup::new(users, ttls, policy, health.clone(), metrics),
            communities: Lookup::new(chats, ttls, policy, health.clone(), metrics),
            chats: Lookup::new(chats, ttls, policy, health.clone(), metrics),
            cropped: Cropped::new(health.clone(), metrics.messages_incomplete.clone()),
        }
    }

    /// Does the asking, for as long as it is polled; without it a [`Request`] never ends.
    ///
    /// Ends only when VK refuses for good.
    pub async fn serve(&self) -> CallError {
        tokio::select! {
            refusal = self.users.serve(&self.api) => refusal,
            refusal = self.communities.serve(&self.api) => refusal,
            refusal = self.chats.serve(&self.api) => refusal,
            refusal = self.cropped.serve(&self.api) => refusal,
        }
    }

    /// Takes what is known now and has the rest asked for. Call in the order of the batches, and
    /// [`retitle`](Self::retitle) after each, so that a title holds from its own event on.
    #[must_use]
    pub fn begin(&self, needs: LookupRequest) -> Request {
        Request {
            users: self.users.begin(&needs.users),
            communities: self.communities.begin(&needs.communities),
            chats: self.chats.begin(&needs.chats),
            messages: self.cropped.begin(needs.messages),
        }
    }

    /// A chat has a new title.
    pub fn retitle(&self, peer_id: i64, title: &str) {
        self.chats.learn(peer_id, &title.into());
    }
}

impl Request {
    /// Everything needed, once VK has told it; what VK does not know or tell is left out.
    ///
    /// Waits as long as VK's API fails: no event leaves with a guessed identity. Only an id for which VK
    /// gives no usable answer while it answers for others is given up, and a cropped message that is not
    /// completed in time.
    pub async fn known(self) -> Lookups {
        let (users, communities, chats, messages) = tokio::join!(
            self.users.all(),
            self.communities.all(),
            self.chats.all(),
            self.messages.all()
        );
        Lookups { users, communities, chats, messages }
    }
}
