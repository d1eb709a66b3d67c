//! Splits lists that VK rejects as a whole because of some of their ids.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{directory::Directory, lookup::Lookup};
use crate::vk::{Api, CALLS_AN_EXECUTE, CallError, ErrorClass, Method, Part};

/// Up to so many ids are queried one by one; longer lists are split into smaller ones first, since VK may
/// accept most of the ids.
const ALONE: usize = 4 * CALLS_AN_EXECUTE;

impl<D: Directory> Lookup<D> {
    /// Settles a list that VK rejects as a whole: in 25 parts a call if VK accepts `execute`, else half by
    /// half. Returns the ids that failed for another reason.
    pub(super) async fn split_rejected(
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
        // A list that is too long for one call is too long within `execute` too.
        let mut halves = error.class() != ErrorClass::Skip;
        let mut rejected = vec![ids];
        while let Some(ids) = rejected.pop() {
            if ids.len() == 1 {
                rest.extend(ids);
                continue;
            }
            halves |=
                self.state.no_execute.load(Ordering::Relaxed) || api.is_throttled(Method::Execute);
            if halves {
                self.query_halves(api, &ids, &mut rejected, &mut rest).await;
            } else {
                halves = !self.query_parts(api, ids, &mut rejected, &mut rest).await;
            }
        }
        rest
    }

    async fn query_halves(
        &self,
        api: &Api,
        ids: &[i64],
        rejected: &mut Vec<Vec<i64>>,
        rest: &mut Vec<i64>,
    ) {
        let (left, right) = ids.split_at(ids.len() / 2);
        for half in [left, right] {
            let permit = api.permit(D::METHOD).await;
            let started = Instant::now();
            match self.call(permit, half).await {
                Ok(listing) => rest.extend(self.store(listing, started)),
                Err(error) => match (error.class(), half) {
                    (ErrorClass::Skip, &[id]) => self.answer(id, None),
                    _ if error.wants_fewer_ids() => rejected.push(half.to_vec()),
                    _ => rest.extend(half),
                },
            }
        }
    }

    /// Queries parts of a list in one call of `execute`; returns false if VK rejects that or does not return
    /// the reasons.
    async fn query_parts(
        &self,
        api: &Api,
        mut ids: Vec<i64>,
        rejected: &mut Vec<Vec<i64>>,
        rest: &mut Vec<i64>,
    ) -> bool {
        let size = if ids.len() <= ALONE { 1 } else { ids.len().div_ceil(CALLS_AN_EXECUTE) };
        if ids.len() > CALLS_AN_EXECUTE * size {
            rejected.push(ids.split_off(CALLS_AN_EXECUTE * size));
        }
        let lists: Vec<&[i64]> = ids.chunks(size).collect();
        let permit = api.permit(D::METHOD).await;
        let started = Instant::now();
        let parts = match permit.listings::<D::Info>(&lists).await {
            Ok(parts) => parts,
            Err(error) => {
                tracing::debug!(%error, "VK rejects execute for this list of ids: it is queried half by half");
                if matches!(error.class(), ErrorClass::Permanent | ErrorClass::Skip) {
                    self.state.no_execute.store(true, Ordering::Relaxed);
                }
                rejected.push(ids);
                return false;
            }
        };
        let (mut again, mut unclear) = (Vec::new(), Vec::new());
        for (list, part) in lists.into_iter().zip(parts) {
            match (part, list) {
                (Part::Received(listing), _) => rest.extend(self.store(listing, started)),
                (Part::Rejected(ErrorClass::Skip, _), &[id]) => self.answer(id, None),
                (Part::Rejected(ErrorClass::Skip, _), list) => again.extend(list),
                (Part::Rejected(..), list) => rest.extend(list),
                (Part::Unclear, list) => unclear.extend(list),
            }
        }
        // Without `execute` VK returns the reason.
        let is_clear = unclear.is_empty();
        rejected.extend([again, unclear].into_iter().filter(|ids| !ids.is_empty()));
        is_clear
    }
}
