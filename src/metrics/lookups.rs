//! Enrichment: the cache of names, and what VK could not complete.

use prometheus_client::{metrics::counter::Counter, registry::Registry};

use super::{CacheResult, Directory, Each};

/// Look-ups in the cache of names, and look-ups without a result.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// By directory and by what the cache had.
    pub results: Each<(Directory, CacheResult), Counter>,
    /// Ids without a usable answer when asked for alone.
    pub unresolved: Each<Directory, Counter>,
    /// Cropped messages that VK did not complete.
    pub incomplete: Counter,
}

impl Lookups {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "name_lookups",
            "Look-ups in the cache of names, each id of a batch once",
            self.results.clone(),
        );
        registry.register(
            "names_unresolved",
            "Ids for which VK gave no usable answer for names.unresolved_after, asked for alone while it \
             answered for others: their events have no name, or wait",
            self.unresolved.clone(),
        );
        registry.register(
            "messages_incomplete",
            "Cropped messages that VK did not complete: their events have what the update carried",
            self.incomplete.clone(),
        );
    }
}
