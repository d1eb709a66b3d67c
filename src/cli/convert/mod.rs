//! `convert`: raw updates in, events out, without the service's Long Poll and bus.

mod lines;
mod names;
mod report;

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;

use self::{lines::Lines, names::Source, report::Report};
use super::{block_on, exit::Exit};
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

A file of names, in which each list may be missing:
  {"users": [{"id": 1, "first_name": "Anna", "last_name": "Lee", "domain": "anna"}],
   "communities": [{"id": 5, "name": "Tea", "screen_name": "tea"}],
   "chats": [{"peer_id": 2000000001, "title": "Tea room"}],
   "messages": [the whole message objects of cropped messages]}"#;

/// Convert raw VK updates into events
///
/// Reads updates as VK sends them, one JSON object a line, and prints the events, one a line. A
/// line that cannot become an event is reported on standard error with its number and the reason,
/// and the exit code is 65; the other lines are converted all the same. Updates of types that are
/// not routed are counted on standard error.
///
/// Names come from VK, which needs the group id and the token as the service does and takes updates of
/// that community only, or with --names from a file.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = HELP_BELOW)]
pub(super) struct Arguments {
    /// The updates; standard input when missing or `-`
    file: Option<PathBuf>,
    /// Take names from this file, and ask VK nothing
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
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
        None => block_on(ask_vk(lines, sources)),
    }
}

async fn ask_vk(lines: Lines, sources: &Sources) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let (config, group_id) = (loaded.config, loaded.access.group_id);
    let made = telemetry::start(&config.log, Output::Stderr)
        .and_then(|_| Api::new(config.vk.clone(), loaded.access, Calls::default()));
    let names = match made {
        Ok(api) => {
            let health = Arc::new(Health::new(config.vk.wait));
            Enricher::new(Arc::new(api), &config.names, &health, &Enrichment::default())
        }
        Err(error) => return Exit::Usage.because(format_args!("{error:#}")),
    };
    let rules = Rules::from(config.converter).of_community(group_id);
    tokio::select! {
        exit = convert(lines, Source::Vk(&names), &rules) => exit,
        refusal = names.run() => Exit::PermanentError.because(refusal),
    }
}

/// What ends the conversion before the end of the input.
enum Stop {
    Input(io::Error),
    Output(io::Error),
}

async fn convert(lines: Lines, names: Source<'_>, rules: &Rules) -> Exit {
    let mut report = Report::default();
    let stop = convert_all(lines, names, rules, &mut report).await;
    report.summarise();
    match stop {
        Ok(()) if report.is_clean() => Exit::Done,
        Ok(()) => Exit::Unconverted,
        Err(Stop::Input(error)) => {
            Exit::Usage.because(format_args!("the updates cannot be read: {error}"))
        }
        Err(Stop::Output(error)) => Exit::unwritten(&error),
    }
}

async fn convert_all(
    mut lines: Lines,
    mut names: Source<'_>,
    rules: &Rules,
    report: &mut Report,
) -> Result<(), Stop> {
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let chunk = lines.chunk().map_err(Stop::Input)?;
        if chunk.is_empty() {
            return Ok(());
        }
        let partials = chunk.iter().filter_map(|(number, line)| read(line, rules, report, *number));
        for event in names.complete(partials.collect(), rules).await {
            serde_json::to_writer(&mut out, &event)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(Stop::Output)?;
        }
        out.flush().map_err(Stop::Output)?;
    }
}

fn read(line: &[u8], rules: &Rules, report: &mut Report, number: u64) -> Option<PartialEvent> {
    let Ok(line) = str::from_utf8(line) else {
        report.unconverted(number, "not UTF-8");
        return None;
    };
    match converter::parse(line, rules) {
        Parsed::Routed(partial) => return Some(partial),
        Parsed::Rejected(rejection) => report.unconverted(number, rejection),
        Parsed::Unrouted(kind) => report.unrouted(kind),
    }
    None
}
