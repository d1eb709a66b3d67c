//! Converts dead letters again.

use std::{collections::BTreeSet, sync::Arc};

use super::{COMMAND, Failure, print_result, unknown};
use crate::{
    bus::{Connector, DeadLetters, EntryId, Letter, Requeued, Requeuer},
    cli::{block_on, connector, exit::Exit, patience::Patience},
    config::{self, Loaded, Sources},
    converter::{self, Parsed, PartialEvent, Rules},
    enrich::Enricher,
    ops::{
        health::Health,
        metrics::{Calls, Enrichment},
        telemetry::{self, Output},
    },
    vk::Api,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The ids that list prints
    #[arg(required_unless_present = "all", value_name = "ID")]
    ids: Vec<EntryId>,
    /// Requeue all dead letters
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    patience: Patience,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let connector = match connector(&loaded.config.bus, COMMAND) {
        Ok(connector) => connector,
        Err(exit) => return exit,
    };
    block_on(requeue(arguments, loaded, connector))
}

async fn requeue(arguments: &Arguments, loaded: Loaded, connector: Connector) -> Exit {
    let Loaded { config, access, .. } = loaded;
    let group_id = access.group_id;
    let health = Arc::new(Health::new(config.vk.wait));
    let made = telemetry::start(&config.log, Output::Stderr)
        .and_then(|_| Api::new(config.vk.clone(), access, Calls::default()));
    let names = match made {
        Ok(api) => Enricher::new(Arc::new(api), &config.names, &health, &Enrichment::default()),
        Err(error) => return Exit::Usage.because(format_args!("{error:#}")),
    };
    let work = async {
        let letters = DeadLetters::open(&connector, &config.bus).await?;
        let requeuer = Requeuer::new(connector, &config.bus, group_id, health.clone());
        let rules = Rules::from(config.converter).of_community(group_id);
        let mut run = Run { group_id, names: &names, rules, requeuer, outcome: Exit::Done };
        if arguments.all {
            run.all(letters).await?;
        } else {
            run.each(letters, &arguments.ids).await?;
        }
        Ok(run.outcome)
    };
    tokio::select! {
        done = work => done.unwrap_or_else(Failure::exit),
        refusal = names.run() => Exit::PermanentError.because(refusal),
        exit = arguments.patience.ends(&health) => exit,
    }
}

struct Run<'a> {
    group_id: i64,
    names: &'a Enricher,
    rules: Rules,
    requeuer: Requeuer,
    outcome: Exit,
}

impl Run<'_> {
    async fn all(&mut self, mut letters: DeadLetters) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let page = letters.page(after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            self.some(page).await?;
        }
    }

    /// Requeues the dead letters with these ids, the oldest first, so that the events are in VK's order.
    async fn each(&mut self, mut letters: DeadLetters, ids: &[EntryId]) -> Result<(), Failure> {
        let mut found = Vec::new();
        for id in BTreeSet::from_iter(ids) {
            match letters.get(*id).await? {
                Some(letter) => found.push(letter),
                None => self.outcome = unknown(*id)?,
            }
        }
        self.some(found).await
    }

    async fn some(&mut self, letters: Vec<Letter>) -> Result<(), Failure> {
        let mut partials = Vec::new();
        let mut ids = Vec::new();
        for letter in letters {
            match self.read(&letter) {
                Ok(partial) => {
                    ids.push((letter.id, partial.id_is_unique()));
                    partials.push(partial);
                }
                Err(reason) => self.stays(letter.id, &reason)?,
            }
        }
        let events = self.names.complete(partials, &self.rules).await;
        for ((id, unique), event) in ids.into_iter().zip(events) {
            let entry = self.requeuer.entry(&event, unique);
            match self.requeuer.requeue(id, &entry).await? {
                Requeued::Requeued => {
                    print_result(
                        id,
                        format_args!("requeued as {} {}", entry.kind, entry.event_id),
                    )?;
                }
                Requeued::Duplicate => {
                    print_result(id, "removed: its event was on the bus already")?;
                }
                Requeued::Gone => print_result(id, "gone: it was requeued or dropped already")?,
                Requeued::StreamFull { stream, group } => {
                    self.stays(
                        id,
                        &format!("{stream} is full until consumer group {group} reads on"),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn read(&self, letter: &Letter) -> Result<PartialEvent, String> {
        if letter.group_id != self.group_id.to_string() {
            return Err(format!(
                "it belongs to group {}, but vk.group_id is {}",
                letter.group_id, self.group_id
            ));
        }
        match converter::parse(&letter.raw, &self.rules) {
            Parsed::Routed(partial) => Ok(partial),
            Parsed::Rejected(rejection) => Err(rejection.to_string()),
            Parsed::Unrouted(kind) => Err(format!("updates of type {kind} are not routed")),
        }
    }

    fn stays(&mut self, id: EntryId, reason: &str) -> Result<(), Failure> {
        self.outcome = Exit::Unconverted;
        Ok(print_result(id, format_args!("stays: {reason}"))?)
    }
}
