//! The exit codes, and messages on standard error.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use crate::text;

/// The result of a command. The codes are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Success, or the service was stopped by a signal.
    Done,
    /// The service is not ready.
    NotReady,
    /// The arguments or the configuration are wrong.
    Usage,
    /// Some input could not be converted.
    Unconverted,
    /// VK or Redis answered with a permanent error, or was out of reach.
    PermanentError,
    /// A bug of this program, or the system denies something that every program needs.
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
    /// Prints the reason on standard error.
    pub(super) fn because(self, reason: impl Display) -> Self {
        note(format_args!("event-fetcher: {reason}"));
        self
    }

    /// The result of a command that failed to print. A closed pipe is no failure.
    pub(super) fn unwritten(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Done,
            _ => Self::Unwritten
                .because(format_args!("the output could not be written: {}", text::cause(error))),
        }
    }
}

/// Prints a line on standard error, beside the command's output.
pub(super) fn note(line: impl Display) {
    // If standard error is closed, the exit code still reports the result.
    let _ = writeln!(io::stderr(), "{line}");
}
