//! The program: it passes its arguments to the library's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    event_fetcher::cli::main()
}
