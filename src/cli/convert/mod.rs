//! `convert`: raw updates in, events out, without Long Poll and Redis.

mod lines;
mod names;

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;

use self::{lines::Lines, names::Source};
use super::{
    block_on,
    exit::{Exit, note},
    patience::Patience,
    text::{cause, harmless},
};
use crate::{
    config::{self, Sources},
    converter::{self, Parsed, PartialEvent, Rules},
    enrich::Enricher,
    ops::{
        health::Health,
        metrics::{Calls, Enrichment},
        telemetry::{self, Output},
    },
    vk::Api,
};

const HELP_BELOW: &str = r#"Examples:
  event-fetcher convert updates.jsonl > events.jsonl
  zcat updates.jsonl.gz | event-fetcher convert --names names.json

The file of names (each list is optional):
  {"users": [{"id": 1, "first_name": "Anna", "last_name": "Lee", "domain": "anna"}],
   "communities": [{"id": 5, "name": "Tea", "screen_name": "tea"}],
   "chats": [{"peer_id": 2000000001, "title": "Tea room"}],
   "messages": [complete objects of the messages that VK cropped]}"#;

/// Convert raw VK updates into events
///
/// Reads updates as VK sends them, one JSON object per line, and prints one event per line. A line
/// that cannot be converted is reported on standard error with its number and the reason; the other
/// lines are converted, and the exit code is 65. Updates of types that are not routed are counted on
/// standard error.
///
/// Users, communities, chats and cropped messages are looked up in VK, which needs the group id and
/// the token of the service and accepts only updates of that community. With --names they are read
/// from a file.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = HELP_BELOW)]
pub(super) struct Arguments {
    /// The file of updates; standard input if absent or `-`
    file: Option<PathBuf>,
    /// Read names from this file and do not call VK
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let lines = match Lines::open(arguments.file.as_deref()) {
        Ok(lines) => lines,
        Err(error) => return Exit::Usage.because(error),
    };
    match &arguments.names {
        Some(file) => {
            let config = match config::load_without_access(sources) {
                Ok(config) => config,
                Err(error) => return Exit::Usage.because(error),
            };
            let known = match names::read(file) {
                Ok(known) => known,
                Err(error) => return Exit::Usage.because(error),
            };
            block_on(convert(lines, Source::File(known), &config.converter.into()))
        }
        None => block_on(with_vk(lines, sources, &arguments.patience)),
    }
}

async fn with_vk(lines: Lines, sources: &Sources, patience: &Patience) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let (config, group_id) = (loaded.config, loaded.access.group_id);
    let made = telemetry::start(&config.log, Output::Stderr)
        .and_then(|_| Api::new(config.vk.clone(), loaded.access, Calls::default()));
    let health = Arc::new(Health::new(config.vk.wait));
    let names = match made {
        Ok(api) => Enricher::new(Arc::new(api), &config.names, &health, &Enrichment::default()),
        Err(error) => return Exit::Usage.because(format_args!("{error:#}")),
    };
    let rules = Rules::from(config.converter).of_community(group_id);
    tokio::select! {
        exit = convert(lines, Source::Vk(&names), &rules) => exit,
        refusal = names.run() => Exit::PermanentError.because(refusal),
        exit = patience.ends(&health) => exit,
    }
}

/// Why the conversion ended before the end of the input.
enum Aborted {
    Input(io::Error),
    Output(io::Error),
}

async fn convert(lines: Lines, names: Source<'_>, rules: &Rules) -> Exit {
    let mut tally = Tally::default();
    let result = convert_all(lines, names, rules, &mut tally).await;
    tally.summarise();
    match result {
        Ok(()) if tally.is_clean() => Exit::Done,
        Ok(()) => Exit::Unconverted,
        Err(Aborted::Input(error)) => {
            Exit::Usage.because(format_args!("the updates cannot be read: {}", cause(&error)))
        }
        Err(Aborted::Output(error)) => Exit::unwritten(&error),
    }
}

async fn convert_all(
    mut lines: Lines,
    mut names: Source<'_>,
    rules: &Rules,
    tally: &mut Tally,
) -> Result<(), Aborted> {
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let chunk = lines.chunk().map_err(Aborted::Input)?;
        if chunk.is_empty() {
            return Ok(());
        }
        let partials = chunk.iter().filter_map(|(number, line)| read(line, rules, tally, *number));
        for event in names.complete(partials.collect(), rules).await {
            serde_json::to_writer(&mut out, &event)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(Aborted::Output)?;
        }
        out.flush().map_err(Aborted::Output)?;
    }
}

fn read(line: &[u8], rules: &Rules, tally: &mut Tally, number: u64) -> Option<PartialEvent> {
    let Ok(line) = str::from_utf8(line) else {
        tally.unconverted(number, "not UTF-8");
        return None;
    };
    match converter::parse(line, rules) {
        Parsed::Routed(partial) => return Some(partial),
        Parsed::Rejected(rejection) => tally.unconverted(number, rejection),
        Parsed::Unrouted(kind) => tally.unrouted(kind),
    }
    None
}

/// The lines that gave no event, counted and reported on standard error.
#[derive(Debug, Default)]
struct Tally {
    unconverted: u64,
    unrouted: BTreeMap<String, u64>,
}

impl Tally {
    /// Reports a line that cannot become an event.
    fn unconverted(&mut self, number: u64, reason: impl Display) {
        self.unconverted += 1;
        note(format_args!("line {number}: {reason}"));
    }

    /// Counts a line whose update is of a type that is not routed.
    fn unrouted(&mut self, kind: String) {
        *self.unrouted.entry(kind).or_default() += 1;
    }

    /// Whether each line was converted or is of a type that is not routed.
    fn is_clean(&self) -> bool {
        self.unconverted == 0
    }

    /// Prints the totals that are not zero.
    fn summarise(&self) {
        if !self.unrouted.is_empty() {
            let kinds = self.unrouted.iter();
            let kinds: Vec<_> =
                kinds.map(|(kind, times)| format!("{} {times}", harmless(kind))).collect();
            note(format_args!("not routed, by type: {}", kinds.join(", ")));
        }
        if self.unconverted > 0 {
            note(format_args!("lines that could not be converted: {}", self.unconverted));
        }
    }
}
