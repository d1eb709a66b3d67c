//! `dead-letters`: the updates that could not become events.

mod pretty;
mod requeue;
mod show;

use std::{
    fmt::Display,
    io::{self, Write},
};

use clap::{Args, Subcommand};
use redis::RedisError;

use super::{block_on, bus, exit::Exit, text::harmless};
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

/// Look after the updates that could not become events
///
/// Such updates are kept raw in the dead-letter stream, with the reason. Look at them with list and
/// show; once the reason is gone, after an upgrade perhaps, requeue makes events of them, and what is
/// of no use is dropped. All can be done while the service runs.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = HELP_BELOW)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a line for each, newest last: id, time (UTC), group, ts, reason
    List {
        /// Print JSON objects instead, one a line, with the raw update as text
        #[arg(long)]
        json: bool,
    },
    /// Print one with its reason and its raw update
    Show {
        /// Its id, as list prints it
        id: EntryId,
    },
    /// Convert them again and put the events on the bus in their place
    ///
    /// The event goes to the end of its stream, and the letter is removed in the same step. What
    /// still cannot be converted stays, and the exit code is 65. Enricher come from VK, so the group id
    /// and the token are needed; letters of other groups stay.
    #[command(verbatim_doc_comment)]
    Requeue(requeue::Arguments),
    /// Remove them for good; asks for nothing
    Drop {
        /// Their ids, as list prints them
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
    work: impl AsyncFnOnce(DeadLetters) -> Result<Exit, Stop>,
) -> Exit {
    let settings = match config::load_without_access(sources) {
        Ok(config) => config.bus,
        Err(error) => return Exit::Usage.because(error),
    };
    let connector = match bus::connector(&settings, PURPOSE) {
        Ok(connector) => connector,
        Err(exit) => return exit,
    };
    block_on(async {
        let done = match DeadLetters::open(&connector, &settings).await {
            Ok(letters) => work(letters).await,
            Err(error) => Err(error.into()),
        };
        done.unwrap_or_else(Stop::exit)
    })
}

async fn drop_all(mut letters: DeadLetters, ids: &[EntryId]) -> Result<Exit, Stop> {
    let mut exit = Exit::Done;
    for &id in ids {
        let letter = letters.get(id).await?;
        match letter {
            Some(letter) if letters.drop(id).await? => {
                tell(id, format_args!("dropped: {}", letter.reason))?;
            }
            _ => exit = unknown(id)?,
        }
    }
    Ok(exit)
}

/// Prints what became of a letter.
fn tell(id: EntryId, what: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{id}  {}", harmless(&what.to_string()))
}

/// Prints that there is no such letter.
fn unknown(id: EntryId) -> io::Result<Exit> {
    tell(id, "there is no such dead letter")?;
    Ok(Exit::Usage)
}

const PURPOSE: &str = "dead letters are meant";

/// What ends a command early.
enum Stop {
    Redis(RedisError),
    Permanent(PermanentError),
    Vk(CallError),
    Output(io::Error),
}

impl From<RedisError> for Stop {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<PermanentError> for Stop {
    fn from(error: PermanentError) -> Self {
        Self::Permanent(error)
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Vk(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Stop {
    fn exit(self) -> Exit {
        match self {
            Self::Redis(error) => bus::failed(&error, "the dead letters"),
            Self::Permanent(error) => Exit::PermanentError.because(harmless(&error.to_string())),
            Self::Vk(error) => Exit::PermanentError.because(error),
            Self::Output(error) => Exit::unwritten(&error),
        }
    }
}
