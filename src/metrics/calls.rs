//! Calls of VK's API.

use prometheus_client::{
    metrics::counter::Counter,
    registry::{Registry, Unit},
};

use super::{CallOutcome, Each, Seconds};
use crate::vk::Method;

/// Calls of VK's API.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// By method and by what came of them.
    pub answered: Each<(Method, CallOutcome), Counter>,
    /// The time for which callers waited until VK's limits let them call.
    pub waited: Each<Method, Seconds>,
}

impl Calls {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "vk_calls",
            "Calls of VK's API, by what the answer asks for",
            self.answered.clone(),
        );
        registry.register_with_unit(
            "vk_call_wait",
            "The time for which calls waited for their turn within VK's limits",
            Unit::Seconds,
            self.waited.clone(),
        );
    }
}
