//! The signals that the service handles.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code after a second signal, as shells report an interrupt.
const SECOND_SIGNAL: i32 = 130;

/// The handlers. Once they are installed, none of these signals kills the process.
pub(super) struct Signals {
    /// SIGTERM and SIGINT: stop.
    pub(super) stop: StopSignals,
    /// SIGHUP: reload the configuration.
    pub(super) hangup: Signal,
}

/// SIGTERM and SIGINT.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// Fails if the kernel does not allow it.
    pub(super) fn listen() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        Ok(Self { stop: StopSignals { terminate, interrupt }, hangup })
    }
}

impl StopSignals {
    /// Cancels `stop` at the first signal; the second signal ends the process at once.
    pub(super) async fn watch(mut self, stop: CancellationToken) {
        self.recv().await;
        tracing::info!("stopping: batches that VK has sent are committed first");
        stop.cancel();
        self.recv().await;
        tracing::warn!("stopped at once; uncommitted updates are fetched again at the next start");
        std::process::exit(SECOND_SIGNAL);
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
