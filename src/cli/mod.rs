//! The command line: what can be asked for, and the exit codes.

mod exit;
mod run;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{config::Sources, event::event_schema};
use exit::Exit;

/// Fetches the events of a VK community and routes them over Redis.
///
/// Without a command it runs the service. Settings come from Fetcher.toml, the environment and
/// secret files; `event-fetcher check` shows which of them are in force.
///
/// Exit codes: 0 stopped as asked, 64 wrong usage or configuration, 65 some input could not be
/// converted, 69 VK or Redis refuse for good, 70 a bug.
#[derive(Debug, Parser)]
#[command(
    name = "event-fetcher",
    version,
    verbatim_doc_comment,
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    /// Read this file instead of looking for Fetcher.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch events until stopped (also without a command)
    Run,
    /// Print the JSON Schema of an event
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Does what the process's arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where even the usage cannot be printed, the exit code must do.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    let sources = Sources::from_process(arguments.config);
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => run::run(&sources),
        Command::Schema => print(&format!("{:#}\n", event_schema().to_value())),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "event-fetcher", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
    .into()
}

/// Prints to standard output; a reader that has gone away is not a mistake.
fn print(text: &str) -> Exit {
    use std::io::Write;

    let _ = std::io::stdout().write_all(text.as_bytes());
    Exit::Done
}
