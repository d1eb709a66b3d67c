//! The cache of names.

use prometheus_client::{metrics::counter::Counter, registry::Registry};

use super::{CacheResult, Directory, Each};

/// Look-ups in the cache of names.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// By directory and by what the cache had.
    pub results: Each<(Directory, CacheResult), Counter>,
}

impl Lookups {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "name_lookups",
            "Look-ups in the cache of names, each id of a batch once",
            self.results.clone(),
        );
    }
}
