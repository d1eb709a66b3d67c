//! How long commands wait for VK and Redis.

use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use super::exit::Exit;
use crate::ops::{
    dependency::{Cause, Dependency},
    health::{Failure, Health},
};

/// How long VK or Redis may be out of reach.
const OUT_OF_REACH: Duration = Duration::from_secs(15);
/// How long they may answer with errors: pauses that VK imposes take minutes.
const ERRORS: Duration = Duration::from_secs(300);

/// Whether a command gives up.
#[derive(Debug, Args)]
pub(super) struct Patience {
    /// Wait for VK and Redis as long as it takes, instead of giving up with exit code 69 once they have been
    /// out of reach for 15 seconds, or have answered with errors for 5 minutes
    #[arg(long)]
    wait: bool,
}

impl Patience {
    /// Ends when a dependency has failed for too long.
    pub(super) async fn ends(&self, health: &Health) -> Exit {
        loop {
            let failures = health.snapshot().failures;
            if let Some(failure) = failures.iter().find(|failure| self.is_over(failure)) {
                return give_up(failure);
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    fn is_over(&self, failure: &Failure) -> bool {
        let bound = if failure.cause == Cause::Unreachable { OUT_OF_REACH } else { ERRORS };
        !self.wait && failure.lasts >= bound
    }
}

fn give_up(failure: &Failure) -> Exit {
    let Failure { dependency, lasts, reason, .. } = failure;
    let (problem, check) = match dependency {
        Dependency::Redis => ("Redis does not answer: ", "bus.url, and that Redis runs"),
        _ => ("", "vk.api_url and the network"),
    };
    Exit::PermanentError.because(format_args!(
        "{problem}{reason}, for {} s. Check {check}; with --wait the command waits as long as it takes",
        lasts.as_secs()
    ))
}
