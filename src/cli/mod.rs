//! The command line: what can be asked for, and the exit codes.

mod bus;
mod check;
mod convert;
mod dead_letters;
mod exit;
mod health;
mod reload;
mod run;
mod service;
mod signals;
mod status;
mod tail;

use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    sync::LazyLock,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{config::Sources, event::event_schema, ops::process, text};
use exit::Exit;

/// Fetches the events of a VK community and routes them over Redis.
///
/// Without a command it runs the service. Settings come from Fetcher.toml, the environment and
/// secret files; `event-fetcher check` shows which of them are in force.
///
/// Exit codes: 0 done, or stopped as asked; 64 wrong usage or configuration; 65 some input could
/// not be converted; 69 VK or Redis refuse for good; 70 a bug; 74 the output cannot be written.
#[derive(Debug, Parser)]
#[command(name = "event-fetcher", version = VERSION.as_str(), verbatim_doc_comment)]
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
    #[command(after_help = "Example:\n  GROUPID=123 TOKEN_FILE=token.txt event-fetcher run")]
    Run,
    Check(check::Arguments),
    Convert(convert::Arguments),
    Tail(tail::Arguments),
    DeadLetters(dead_letters::Arguments),
    Health(health::Arguments),
    Status(status::Arguments),
    /// Print the JSON Schema of an event
    #[command(after_help = "Example:\n  event-fetcher schema > event.schema.json")]
    Schema,
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  event-fetcher completions bash > /etc/bash_completion.d/event-fetcher"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The version, with the revision it was built from where the build knew it.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    match option_env!("EVENT_FETCHER_REVISION") {
        Some(revision) if !revision.is_empty() => format!("{version} ({revision})"),
        _ => version.to_owned(),
    }
});

/// Does what the process's arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    // Before any secret is read.
    let hidden = process::hide_memory();
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
        Command::Run => run::run(&sources, hidden),
        Command::Check(arguments) => check::run(&arguments, &sources),
        Command::Convert(arguments) => convert::run(&arguments, &sources),
        Command::Tail(arguments) => tail::run(&arguments, &sources),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments, &sources),
        Command::Health(_) => health::run(&sources),
        Command::Status(arguments) => status::run(&arguments, &sources),
        Command::Schema => print(&format!("{:#}\n", event_schema().to_value())),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "event-fetcher", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
    .into()
}

/// Prints a command's whole result.
fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) => Exit::unwritten(&error),
    }
}

/// Runs a command's asynchronous part.
fn block_on(work: impl Future<Output = Exit>) -> Exit {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Exit::Bug.because(format_args!("no threads to run on: {error}")),
    };
    // The panic itself has said what and where.
    let exit = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))).unwrap_or_else(|_| {
        Exit::Bug.because(
            "this is a bug; nothing committed is affected, and a restart goes on from there",
        )
    });
    runtime.shutdown_background();
    exit
}
