//! Fetching the whole of messages that VK cropped in its updates.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::try_join_all;
use serde_json::value::RawValue;

use super::MessagePlace;
use crate::{
    backoff::Backoff,
    vk::{Api, CallError, Class, MESSAGES_A_CALL, Method},
};

/// How often a call is tried: a cropped message beats one that is never delivered.
const TRIES: u32 = 4;

/// The whole messages at `places`, one call for up to 100 of a conversation. Those that VK does
/// not give, or not now, are left out: what the update carries serves then.
pub(super) async fn whole(
    api: &Api,
    places: BTreeSet<MessagePlace>,
) -> Result<HashMap<MessagePlace, Box<RawValue>>, CallError> {
    let mut by_peer: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (peer_id, cmid) in places {
        by_peer.entry(peer_id).or_default().push(cmid);
    }
    let calls = by_peer.iter().flat_map(|(&peer_id, cmids)| {
        cmids.chunks(MESSAGES_A_CALL).map(move |cmids| of_peer(api, peer_id, cmids))
    });
    Ok(try_join_all(calls).await?.into_iter().flatten().collect())
}

async fn of_peer(
    api: &Api,
    peer_id: i64,
    cmids: &[i64],
) -> Result<Vec<(MessagePlace, Box<RawValue>)>, CallError> {
    let mut backoff = Backoff::network();
    while !api.rests(Method::Messages) {
        let error = match api.turn(Method::Messages).await.messages(peer_id, cmids).await {
            Ok(messages) => {
                let placed = messages.into_iter().map(|(cmid, raw)| ((peer_id, cmid), raw));
                return Ok(placed.collect());
            }
            Err(error) => error,
        };
        let pause = backoff.fail();
        match error.class() {
            Class::Fatal => return Err(error),
            Class::BackOff => {}
            Class::Retry if backoff.failures() < TRIES => tokio::time::sleep(pause).await,
            Class::Retry | Class::Skip => {
                tracing::warn!(%error, peer_id, ?cmids, "VK does not complete cropped messages");
                break;
            }
        }
    }
    Ok(Vec::new())
}
