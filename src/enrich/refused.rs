//! Lists that VK refuses as a whole because of some of their ids.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{directory::Directory, lookup::Lookup};
use crate::vk::{Api, CALLS_AN_EXECUTE, CallError, ErrorClass, Method, Part};

/// Up to so many ids each is asked for alone; more are asked for in smaller lists first, since most of
/// them may well be fine.
const ALONE: usize = 4 * CALLS_AN_EXECUTE;

impl<D: Directory> Lookup<D> {
    /// Settles a list that VK refuses as a whole: 25 parts of it a call, where VK takes `execute`, else
    /// half by half. Returns the ids that met another failure.
    pub(super) async fn split_refused(
        &self,
        api: &Api,
        ids: Vec<i64>,
        error: &CallError,
    ) -> Vec<i64> {
        if let &[id] = &*ids {
            if error.class() == ErrorClass::Skip {
                self.answer(id, None);
                return Vec::new();
            }
            return ids;
        }
        let mut rest = Vec::new();
        // A list that is too long for one call is so within `execute` too.
        let mut halves = error.class() != ErrorClass::Skip;
        let mut refused = vec![ids];
        while let Some(ids) = refused.pop() {
            if ids.len() == 1 {
                rest.extend(ids);
                continue;
            }
            halves |= self.state.apart.load(Ordering::Relaxed) || api.is_throttled(Method::Execute);
            if halves {
                self.ask_halves(api, &ids, &mut refused, &mut rest).await;
            } else {
                halves = !self.ask_parts(api, ids, &mut refused, &mut rest).await;
            }
        }
        rest
    }

    async fn ask_halves(
        &self,
        api: &Api,
        ids: &[i64],
        refused: &mut Vec<Vec<i64>>,
        rest: &mut Vec<i64>,
    ) {
        let (left, right) = ids.split_at(ids.len() / 2);
        for half in [left, right] {
            let permit = api.permit(D::METHOD).await;
            let begun = Instant::now();
            match self.call(permit, half).await {
                Ok(listing) => rest.extend(self.take_in(listing, begun)),
                Err(error) => match (error.class(), half) {
                    (ErrorClass::Skip, &[id]) => self.answer(id, None),
                    _ if error.wants_fewer_ids() => refused.push(half.to_vec()),
                    _ => rest.extend(half),
                },
            }
        }
    }

    /// Asks for parts of a list in one call; false where VK does not answer to that.
    async fn ask_parts(
        &self,
        api: &Api,
        mut ids: Vec<i64>,
        refused: &mut Vec<Vec<i64>>,
        rest: &mut Vec<i64>,
    ) -> bool {
        let size = if ids.len() <= ALONE { 1 } else { ids.len().div_ceil(CALLS_AN_EXECUTE) };
        if ids.len() > CALLS_AN_EXECUTE * size {
            refused.push(ids.split_off(CALLS_AN_EXECUTE * size));
        }
        let lists: Vec<&[i64]> = ids.chunks(size).collect();
        let permit = api.permit(D::METHOD).await;
        let begun = Instant::now();
        let parts = match permit.listings::<D::Info>(&lists).await {
            Ok(parts) => parts,
            Err(error) => {
                tracing::debug!(%error, "a list that VK refuses is asked for half by half");
                if matches!(error.class(), ErrorClass::Permanent | ErrorClass::Skip) {
                    self.state.apart.store(true, Ordering::Relaxed);
                }
                refused.push(ids);
                return false;
            }
        };
        let (mut again, mut unclear) = (Vec::new(), Vec::new());
        for (list, part) in lists.into_iter().zip(parts) {
            match (part, list) {
                (Part::Received(listing), _) => rest.extend(self.take_in(listing, begun)),
                (Part::Rejected(ErrorClass::Skip), &[id]) => self.answer(id, None),
                (Part::Rejected(ErrorClass::Skip), list) => again.extend(list),
                (Part::Rejected(_), list) => rest.extend(list),
                (Part::Unclear, list) => unclear.extend(list),
            }
        }
        // VK does not say why: asked for without `execute`, it does.
        let is_clear = unclear.is_empty();
        refused.extend([again, unclear].into_iter().filter(|ids| !ids.is_empty()));
        is_clear
    }
}
