//! The command line: its commands and exit codes.

mod check;
mod convert;
mod dead_letters;
mod exit;
mod health;
mod patience;
mod run;
mod status;
mod tail;

use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    bus::{self, BusUrl, Connector, PermanentError},
    config::Sources,
    event::event_schema,
    ops::process,
    service::VERSION,
    text,
};
use exit::Exit;

/// Fetches the events of a VK community and writes them to Redis streams.
///
/// Without a command, the service runs. It reads its settings from Fetcher.toml, environment variables
/// and secret files; `event-fetcher check` prints each setting and its source.
///
/// Exit codes: 0 success, or stopped by a signal or a closed output; 1 the service is not ready (health,
/// status); 64 wrong arguments or configuration; 65 some input could not be converted; 69 a permanent
/// error of VK or Redis, or a command could not reach them, the message says what to do; 70 a bug;
/// 74 the output could not be written.
#[derive(Debug, Parser)]
#[command(name = "event-fetcher", version = VERSION.as_str(), verbatim_doc_comment)]
struct Arguments {
    /// The configuration file, instead of the first Fetcher.toml found
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service until SIGTERM or Ctrl-C (the default command)
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
    /// Print the completion script of a shell
    #[command(
        after_help = "Example:\n  event-fetcher completions bash > /etc/bash_completion.d/event-fetcher"
    )]
    Completions {
        /// The shell that reads the script
        shell: Shell,
    },
    /// Write the manual pages of the program and of its commands into a folder
    #[command(after_help = "Example:\n  event-fetcher man /usr/local/share/man/man1")]
    Man {
        /// An existing folder
        folder: PathBuf,
    },
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    // Before any secret is read.
    let hidden = process::hide_memory();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            return match error.print() {
                // If standard error is closed, the exit code still reports the error.
                _ if error.use_stderr() => Exit::Usage,
                Ok(()) => Exit::Done,
                Err(error) => Exit::unwritten(&error),
            }
            .into();
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
        Command::Man { folder } => match clap_mangen::generate_to(Arguments::command(), &folder) {
            Ok(()) => Exit::Done,
            Err(error) => Exit::Unwritten.because(format_args!(
                "the manual pages could not be written into {}: {error}",
                folder.display()
            )),
        },
    }
    .into()
}

/// Prints the whole output of a command.
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
        Err(error) => {
            return Exit::Bug
                .because(format_args!("the system denies threads: {}", text::cause(&error)));
        }
    };
    // The panic hook has already printed the message and the place.
    let exit = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))).unwrap_or_else(|_| {
        Exit::Bug.because(
            "this is a bug; what is committed is intact, and after a restart the service continues from \
             the committed position",
        )
    });
    runtime.shutdown_background();
    exit
}

/// The Redis server of `bus.url`, or the exit code if there is none; `command` says what needs it.
fn connector(settings: &bus::Config, command: &str) -> Result<Connector, Exit> {
    let BusUrl::Redis(url) = &settings.url else {
        return Err(Exit::Usage.because(format_args!(
            "bus.url is `stdout:`: the service prints its events and writes none to Redis. {command} needs \
             a Redis server: set bus.url to its address"
        )));
    };
    Connector::new(url, settings).map_err(|error| Exit::Usage.because(format_args!("{error:#}")))
}

/// Reports an error of Redis, and returns the exit code for it; `doing` is the operation that failed.
fn redis_failed(error: &redis::RedisError, doing: &'static str) -> Exit {
    Exit::PermanentError.because(match PermanentError::by(error, doing) {
        Some(permanent) => text::harmless(&permanent.to_string()),
        None => format!(
            "Redis does not answer: {}. Check bus.url, and that Redis runs",
            text::harmless(&text::cause(error))
        ),
    })
}
