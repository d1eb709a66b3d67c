//! `tail`: prints the events on the bus for people.

mod line;
mod reader;

use std::{
    convert::Infallible,
    io::{self, Write},
    time::Duration,
};

use clap::{Args, ValueEnum, builder::PossibleValue};
use redis::RedisError;
use tokio::time::{Instant, sleep};

use self::reader::{BLOCK, EventEntry, Start, StreamReader};
use super::{
    block_on, connector,
    exit::{Exit, note},
    patience::Patience,
    text::{self, harmless},
};
use crate::{
    bus::{Connector, PermanentError},
    config::{self, Sources},
    event::EventType,
    ops::{
        dependency::{Cause, Dependency},
        health::Health,
        retry::Backoff,
    },
};

/// Follow the events in the Redis streams
///
/// Prints a line for each event: its time (UTC), type, chat, author, and content. The command joins no
/// consumer group, so it takes no events from consumers. It needs neither the group id nor the token.
/// Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  \
    event-fetcher tail\n  \
    event-fetcher tail --type command --type button --last 10\n  \
    event-fetcher tail --from-start --json | jq .user.nick"
)]
pub(super) struct Arguments {
    /// Print only events of this type; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<EventType>,
    /// Start with the N newest events of each type
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = count)]
    last: usize,
    /// Start with the oldest event in the streams
    #[arg(long, conflicts_with = "last")]
    from_start: bool,
    /// Print the events as JSON, one per line, as they are in the streams
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    patience: Patience,
}

fn count(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "a whole number from 0 on is expected")
}

impl ValueEnum for EventType {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let settings = match config::load_without_access(sources) {
        Ok(config) => config.bus,
        Err(error) => return Exit::Usage.because(error),
    };
    let connector = match connector(&settings, "tail") {
        Ok(connector) => connector,
        Err(exit) => return exit,
    };
    let start = if arguments.from_start { Start::Oldest } else { Start::Newest(arguments.last) };
    let reader = StreamReader::new(&settings, &arguments.types, start);
    let health = Health::new(Duration::ZERO);
    let tail =
        Tail { connector, reader, json: arguments.json, unreached_since: Some(Instant::now()) };
    block_on(async {
        tokio::select! {
            exit = tail.follow(&health) => exit,
            exit = arguments.patience.ends(&health) => exit,
            _ = tokio::signal::ctrl_c() => Exit::Done,
        }
    })
}

struct Tail {
    connector: Connector,
    reader: StreamReader,
    json: bool,
    /// The start of the command; none once Redis has answered.
    unreached_since: Option<Instant>,
}

/// Why reading over a connection ended.
enum Interrupted {
    Redis(RedisError),
    Output(io::Error),
}

impl From<RedisError> for Interrupted {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Tail {
    /// Prints events until the output is closed or Redis answers with a permanent error. Reports to `health`
    /// that Redis fails, until it has answered once: from then on every outage is waited for.
    async fn follow(mut self, health: &Health) -> Exit {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        loop {
            let Err(interrupted) = self.follow_connected(health, &mut backoff).await;
            let error = match interrupted {
                Interrupted::Redis(error) => error,
                Interrupted::Output(error) => return Exit::unwritten(&error),
            };
            if let Some(permanent) = PermanentError::by(&error, "to show its streams") {
                return Exit::PermanentError.because(permanent);
            }
            let error = harmless(&text::cause(&error));
            if let Some(since) = self.unreached_since {
                health.failing_since(Dependency::Redis, Cause::Unreachable, since, &error);
            }
            let pause = backoff.fail();
            if backoff.to_log().is_some() {
                note(format_args!("Redis does not answer: {error}; retrying"));
            }
            sleep(pause).await;
        }
    }

    async fn follow_connected(
        &mut self,
        health: &Health,
        backoff: &mut Backoff,
    ) -> Result<Infallible, Interrupted> {
        let mut connection = self.connector.connect_to_block(BLOCK).await?;
        loop {
            let entries = self.reader.read(&mut connection).await?;
            if self.unreached_since.take().is_some() {
                health.ok(Dependency::Redis);
            }
            if backoff.reset().is_some() {
                note("Redis answers again");
            }
            self.print(&entries).map_err(Interrupted::Output)?;
        }
    }

    fn print(&self, entries: &[EventEntry]) -> io::Result<()> {
        if self.json {
            let mut out = io::stdout().lock();
            for entry in entries {
                writeln!(out, "{}", entry.data)?;
            }
            out.flush()
        } else {
            let mut out = anstream::stdout().lock();
            for entry in entries {
                line::write(&mut out, entry)?;
            }
            out.flush()
        }
    }
}
