//! The input of the stages: updates of a busy community, and the look-ups that they need.

use std::sync::Arc;

use event_fetcher::converter::{Community, LookupRequest, Lookups, PartialEvent, Person, Rules};
use tokio::runtime::{Builder, Runtime};
use vk_simulator::{Options, Simulator, World};

/// Updates, always the same, with the names that they need.
pub(crate) struct Material {
    /// Each update's JSON text.
    pub(crate) updates: Vec<Arc<str>>,
    /// The rules of their conversion. Replies contain their authors, which pickles require.
    pub(crate) rules: Rules,
    known: Lookups,
}

impl Material {
    /// Draws so many updates.
    pub(crate) fn draw(number: usize) -> anyhow::Result<Self> {
        let options = Options { seed: 1, history: true, cropped: false, ..Options::default() };
        let (updates, world) = runtime()?.block_on(async {
            let vk = Simulator::start(options).await?;
            vk.generate(number);
            let drawn = (vk.updates(), vk.world());
            vk.stop().await;
            anyhow::Ok(drawn)
        })?;
        Ok(Self {
            updates: updates.into_iter().map(|(_, update)| update).collect(),
            rules: Rules { reply_author: true, ..Rules::default() },
            known: everything(world),
        })
    }

    /// Long Poll answers with so many of these updates each; an incomplete last one is omitted.
    pub(crate) fn bodies(&self, size: usize) -> Vec<String> {
        self.updates.chunks_exact(size).map(body).collect()
    }

    /// What is known of those in a batch, as the enricher returns it.
    pub(crate) fn known(&self, partials: &[PartialEvent]) -> Lookups {
        let mut request = LookupRequest::default();
        for partial in partials {
            partial.add_to(&mut request);
        }
        let Lookups { users, communities, chats, .. } = &self.known;
        let mut known = Lookups::default();
        known
            .users
            .extend(request.users.iter().filter_map(|id| Some((*id, users.get(id)?.clone()))));
        known.communities.extend(
            request.communities.iter().filter_map(|id| Some((*id, communities.get(id)?.clone()))),
        );
        known
            .chats
            .extend(request.chats.iter().filter_map(|id| Some((*id, chats.get(id)?.clone()))));
        known
    }
}

/// A runtime of one thread.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A Long Poll answer with these updates.
pub(crate) fn body(updates: &[impl AsRef<str>]) -> String {
    let updates: Vec<_> = updates.iter().map(AsRef::as_ref).collect();
    format!(r#"{{"ts":"1000","updates":[{}]}}"#, updates.join(","))
}

fn everything(world: World) -> Lookups {
    let mut known = Lookups::default();
    for (id, user) in world.users {
        let vk_simulator::User { first_name, last_name, domain, .. } = user;
        known.users.insert(id, Arc::new(Person { first_name, last_name, domain }));
    }
    for (id, it) in world.communities {
        let community = Community { name: it.name, screen_name: Some(it.screen_name) };
        known.communities.insert(id, Arc::new(community));
    }
    for (peer_id, chat) in world.chats {
        known.chats.insert(peer_id, chat.title.into());
    }
    known
}
