//! The signals that a running service heeds.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals by what they ask for; from their making on none of them ends the process by itself.
pub(super) struct Signals {
    /// To stop.
    pub(super) stops: Stops,
    /// To take over what has changed.
    pub(super) hangups: Signal,
}

/// The signals that ask for a stop.
pub(super) struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let (terminate, interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hangups = signal(SignalKind::hangup())?;
        Ok(Self { stops: Stops { terminate, interrupt }, hangups })
    }
}

impl Stops {
    /// The first SIGTERM or SIGINT asks for a stop; a second does not wait for it.
    pub(super) async fn wait(self, stop: CancellationToken) {
        let Self { mut terminate, mut interrupt } = self;
        for times in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if times == 1 {
                tracing::info!("stopping: committing what is on the way");
                stop.cancel();
            } else {
                tracing::warn!("stopped at once; what was not committed is fetched again");
                std::process::exit(i32::from(SECOND_SIGNAL));
            }
        }
    }
}

/// The exit code after a second signal, as shells number an interrupt.
const SECOND_SIGNAL: u8 = 130;
