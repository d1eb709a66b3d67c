//! `dead-letters`: the updates that could not be converted.

mod pretty;
mod requeue;
mod show;

use std::{
    fmt::Display,
    io::{self, Write},
};

use clap::{Args, Subcommand};
use redis::RedisError;

use super::{block_on, connector, exit::Exit, redis_failed, text::harmless};
use crate::{
    bus::{DeadLetters, EntryId, PermanentError},
    config::{self, Sources},
    vk::CallError,
};

const HELP_BELOW: &str = "Examples:
  event-fetcher dead-letters list
  event-fetcher dead-letters list --json | jq -r .reason | sort | uniq -c
  event-fetcher dead-letters show 1709107598123-0
  event-fetcher dead-letters requeue --all";

/// List, show, requeue or drop the updates that could not be converted
///
/// The service stores each such update unchanged in the dead-letter stream, with the reason. When the
/// reason no longer applies, for example after an upgrade, requeue converts the updates into events.
/// All of this works while the service runs.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = HELP_BELOW)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a line per dead letter, newest last: id, time (UTC), group, ts, reason
    List {
        /// Print a JSON object per line instead, which includes the raw update as text
        #[arg(long)]
        json: bool,
    },
    /// Print one dead letter with its reason and raw update
    Show {
        /// The id that list prints
        id: EntryId,
    },
    /// Convert dead letters again, and replace each by its event
    ///
    /// The event is appended to its stream and the dead letter is removed atomically. A dead letter that
    /// still cannot be converted stays, and the exit code is 65. Names are looked up in VK, which needs the
    /// group id and the token; dead letters of other groups stay.
    #[command(verbatim_doc_comment)]
    Requeue(requeue::Arguments),
    /// Delete dead letters, without confirmation
    Drop {
        /// The ids that list prints
        #[arg(required = true, value_name = "ID")]
        ids: Vec<EntryId>,
    },
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    match &arguments.action {
        Action::List { json } => with_letters(sources, async |it| show::list(it, *json).await),
        Action::Show { id } => with_letters(sources, async |it| show::one(it, *id).await),
        Action::Requeue(arguments) => requeue::run(arguments, sources),
        Action::Drop { ids } => with_letters(sources, async |it| drop_all(it, ids).await),
    }
}

fn with_letters(
    sources: &Sources,
    work: impl AsyncFnOnce(DeadLetters) -> Result<Exit, Failure>,
) -> Exit {
    let settings = match config::load_without_access(sources) {
        Ok(config) => config.bus,
        Err(error) => return Exit::Usage.because(error),
    };
    let connector = match connector(&settings, COMMAND) {
        Ok(connector) => connector,
        Err(exit) => return exit,
    };
    block_on(async {
        let done = match DeadLetters::open(&connector, &settings).await {
            Ok(letters) => work(letters).await,
            Err(error) => Err(error.into()),
        };
        done.unwrap_or_else(Failure::exit)
    })
}

async fn drop_all(mut letters: DeadLetters, ids: &[EntryId]) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for &id in ids {
        let letter = letters.get(id).await?;
        match letter {
            Some(letter) if letters.drop(id).await? => {
                print_result(id, format_args!("dropped: {}", letter.reason))?;
            }
            _ => exit = unknown(id)?,
        }
    }
    Ok(exit)
}

/// Prints the result for a dead letter.
fn print_result(id: EntryId, what: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{id}  {}", harmless(&what.to_string()))
}

/// Prints that there is no dead letter with this id.
fn unknown(id: EntryId) -> io::Result<Exit> {
    print_result(id, "there is no such dead letter")?;
    Ok(Exit::Usage)
}

/// The command, for messages.
const COMMAND: &str = "dead-letters";

/// Why a command ended early.
enum Failure {
    Redis(RedisError),
    Permanent(PermanentError),
    Vk(CallError),
    Output(io::Error),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<PermanentError> for Failure {
    fn from(error: PermanentError) -> Self {
        Self::Permanent(error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Vk(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    fn exit(self) -> Exit {
        match self {
            Self::Redis(error) => redis_failed(&error, "the dead letters"),
            Self::Permanent(error) => Exit::PermanentError.because(harmless(&error.to_string())),
            Self::Vk(error) => Exit::PermanentError.because(error),
            Self::Output(error) => Exit::unwritten(&error),
        }
    }
}
