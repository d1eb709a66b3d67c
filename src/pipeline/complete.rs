//! Drafts and the names that they lack.

use std::future::Future;

use crate::{
    converter::{Draft, Rules, complete_all},
    event::Event,
    names::{Known, Names, Needs},
};

/// Has the names of `drafts` asked for, at once; the future is the events, in the same order.
///
/// Call in VK's order: a chat's new title holds for those that come after.
pub fn complete<'a>(
    drafts: Vec<Draft>,
    names: &'a Names,
    rules: &'a Rules,
) -> impl Future<Output = Vec<Event>> + 'a {
    let known = known(&drafts, names);
    async move { complete_all(drafts, &mut known.await, rules) }
}

/// Has the names of `drafts` asked for, at once; the future is what is known once VK has told it.
pub(super) fn known(drafts: &[Draft], names: &Names) -> impl Future<Output = Known> + use<> {
    let mut needs = Needs::default();
    for draft in drafts {
        draft.add_needs(&mut needs);
    }
    let request = names.begin(needs);
    for (peer_id, title) in drafts.iter().filter_map(Draft::new_title) {
        names.retitle(peer_id, title);
    }
    request.known()
}
