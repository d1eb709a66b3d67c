//! Reaching the bus from a command.

use std::fmt::Display;

use redis::RedisError;

use super::{exit::Exit, text::harmless};
use crate::bus::{self, BusUrl, Connector, PermanentError};

/// The Redis that `purpose` needs, or why there is none.
pub(super) fn connector(settings: &bus::Config, purpose: impl Display) -> Result<Connector, Exit> {
    let BusUrl::Redis(url) = &settings.url else {
        return Err(Exit::Usage.because(format_args!(
            "bus.url is `stdout:`, so the events are not on a bus: the service prints them itself; \
             set bus.url to the Redis whose {purpose}"
        )));
    };
    Connector::new(url, settings).map_err(|error| Exit::Usage.because(format_args!("{error:#}")))
}

/// The end of a command that asks Redis once.
pub(super) fn failed(error: &RedisError, doing: &'static str) -> Exit {
    Exit::PermanentError.because(match PermanentError::by(error, doing) {
        Some(refused) => harmless(&refused.to_string()),
        None => harmless(&format!("Redis cannot be used: {error}")),
    })
}
