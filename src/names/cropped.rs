//! Fetching the whole of messages that VK cropped in its updates.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use futures::future::try_join_all;
use serde_json::value::RawValue;

use super::MessagePlace;
use crate::{
    backoff::Backoff,
    outage::Outage,
    vk::{Api, CallError, Class, MESSAGES_A_CALL, Method},
};

/// How often a call is tried: a cropped message beats one that is never delivered.
const TRIES: u32 = 4;

/// The whole messages at `places`, one call for up to 100 of a conversation. Those that VK does
/// not give, or not now, are left out: what the update carries serves then.
pub(super) async fn whole(
    api: &Api,
    refusals: &Mutex<Outage>,
    places: BTreeSet<MessagePlace>,
) -> Result<HashMap<MessagePlace, Box<RawValue>>, CallError> {
    let mut by_peer: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (peer_id, cmid) in places {
        by_peer.entry(peer_id).or_default().push(cmid);
    }
    let calls = by_peer.iter().flat_map(|(&peer_id, cmids)| {
        cmids.chunks(MESSAGES_A_CALL).map(move |cmids| of_peer(api, refusals, peer_id, cmids))
    });
    Ok(try_join_all(calls).await?.into_iter().flatten().collect())
}

async fn of_peer(
    api: &Api,
    refusals: &Mutex<Outage>,
    peer_id: i64,
    cmids: &[i64],
) -> Result<Vec<(MessagePlace, Box<RawValue>)>, CallError> {
    let mut backoff = Backoff::network();
    while !api.rests(Method::Messages) {
        let error = match api.turn(Method::Messages).await.messages(peer_id, cmids).await {
            Ok(messages) => {
                refusals.lock().unwrap_or_else(PoisonError::into_inner).end();
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
                let mut refusals = refusals.lock().unwrap_or_else(PoisonError::into_inner);
                refusals.fail();
                if refusals.is_loud() {
                    let failures = refusals.failures();
                    tracing::warn!(
                        %error, failures, peer_id, ?cmids,
                        "VK does not complete cropped messages; the events have what it sent"
                    );
                }
                break;
            }
        }
    }
    Ok(Vec::new())
}
