//! How the process ends, and what it says then.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// The ways to end, as `sysexits.h` numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// All was done, or the service was stopped as asked.
    Done,
    /// The service that was asked does not do its work.
    NotReady,
    /// The command line or the configuration is wrong.
    Usage,
    /// Some input could not be converted.
    Unconverted,
    /// VK or Redis refuse for good.
    PermanentError,
    /// Something that should not be possible.
    Bug,
    /// The output could not be written.
    Unwritten,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::NotReady => Self::from(1),
            Exit::Usage => Self::from(64),
            Exit::Unconverted => Self::from(65),
            Exit::PermanentError => Self::from(69),
            Exit::Bug => Self::from(70),
            Exit::Unwritten => Self::from(74),
        }
    }
}

impl Exit {
    /// Says why on standard error, where nothing else reports it.
    pub(super) fn because(self, reason: impl Display) -> Self {
        note(format_args!("event-fetcher: {reason}"));
        self
    }

    /// The end of a command that could not print. A reader that has gone away is not a mistake.
    pub(super) fn unwritten(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Done,
            _ => Self::Unwritten.because(format_args!("the output cannot be written: {error}")),
        }
    }
}

/// A line on standard error, beside the command's result.
pub(super) fn note(line: impl Display) {
    // Where it cannot be told, the exit code must do.
    let _ = writeln!(io::stderr(), "{line}");
}
