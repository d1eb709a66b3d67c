//! How the process ends, and what it says then.

use std::{fmt::Display, process::ExitCode};

/// The ways to end, as `sysexits.h` numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// All was done, or the service was stopped as asked.
    Done,
    /// The command line or the configuration is wrong.
    Usage,
    /// VK or Redis refuse for good.
    Refused,
    /// Something that should not be possible.
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Usage => Self::from(64),
            Exit::Refused => Self::from(69),
            Exit::Bug => Self::from(70),
        }
    }
}

impl Exit {
    /// Says why on standard error, where nothing else reports it.
    pub(super) fn because(self, reason: impl Display) -> Self {
        #[expect(clippy::print_stderr, reason = "the last words of a command, not a log")]
        {
            eprintln!("event-fetcher: {reason}");
        }
        self
    }
}
