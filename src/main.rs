//! The event-fetcher service: arguments in, exit code out; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    event_fetcher::cli::main()
}
