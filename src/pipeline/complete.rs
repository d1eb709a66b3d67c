//! Drafts and the names that they lack.

use std::future::Future;

use crate::{
    converter::{PartialEvent, Rules, complete_all},
    enrich::{Enricher, LookupRequest, Lookups},
    event::Event,
};

/// Has the names of `drafts` asked for, at once; the future is the events, in the same order.
///
/// Call in VK's order: a chat's new title holds for those that come after.
pub fn complete<'a>(
    drafts: Vec<PartialEvent>,
    names: &'a Enricher,
    rules: &'a Rules,
) -> impl Future<Output = Vec<Event>> + 'a {
    let known = known(&drafts, names);
    async move { complete_all(drafts, &mut known.await, rules) }
}

/// Has the names of `drafts` asked for, at once; the future is what is known once VK has told it.
pub(super) fn known(
    drafts: &[PartialEvent],
    names: &Enricher,
) -> impl Future<Output = Lookups> + use<> {
    let mut needs = LookupRequest::default();
    for draft in drafts {
        draft.add_needs(&mut needs);
    }
    let request = names.begin(needs);
    for (peer_id, title) in drafts.iter().filter_map(PartialEvent::new_title) {
        names.retitle(peer_id, title);
    }
    request.known()
}
