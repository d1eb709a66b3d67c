//! Dead letters that become events after all.

use std::{collections::BTreeSet, sync::Arc};

use super::{PURPOSE, Stop, tell, unknown};
use crate::{
    bus::{Connector, DeadLetters, EntryId, Letter, Requeued, Requeuer},
    cli::{block_on, bus, exit::Exit},
    config::{self, Loaded, Sources},
    converter::{self, PartialEvent, Reading, Rules},
    enrich::Enricher,
    ops::{
        health::Health,
        metrics::{Calls, Enrichment},
        telemetry::{self, Output},
    },
    pipeline,
    vk::Api,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Their ids, as list prints them
    #[arg(required_unless_present = "all", value_name = "ID")]
    ids: Vec<EntryId>,
    /// All there are
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let connector = match bus::connector(&loaded.config.bus, PURPOSE) {
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
        let requeuer = Requeuer::new(connector, &config.bus, group_id, health);
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
        done = work => done.unwrap_or_else(Stop::exit),
        refusal = names.serve() => Exit::PermanentError.because(refusal),
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
    async fn all(&mut self, mut letters: DeadLetters) -> Result<(), Stop> {
        let mut after = None;
        loop {
            let page = letters.page(after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            self.some(page).await?;
        }
    }

    /// The letters asked for, oldest first, so that their events come in VK's order.
    async fn each(&mut self, mut letters: DeadLetters, ids: &[EntryId]) -> Result<(), Stop> {
        let mut found = Vec::new();
        for id in BTreeSet::from_iter(ids) {
            match letters.get(*id).await? {
                Some(letter) => found.push(letter),
                None => self.outcome = unknown(*id)?,
            }
        }
        self.some(found).await
    }

    async fn some(&mut self, letters: Vec<Letter>) -> Result<(), Stop> {
        let mut drafts = Vec::new();
        let mut ids = Vec::new();
        for letter in letters {
            match self.read(&letter) {
                Ok(draft) => {
                    ids.push((letter.id, draft.id_is_unique()));
                    drafts.push(draft);
                }
                Err(reason) => self.stays(letter.id, &reason)?,
            }
        }
        let events = pipeline::complete(drafts, self.names, &self.rules).await;
        for ((id, unique), event) in ids.into_iter().zip(events) {
            let entry = self.requeuer.entry(&event, unique);
            match self.requeuer.requeue(id, &entry).await? {
                Requeued::Requeued => {
                    tell(id, format_args!("requeued as {} {}", entry.kind, entry.event_id))?;
                }
                Requeued::Duplicate => tell(id, "removed: its event was on the bus already")?,
                Requeued::Gone => tell(id, "gone: it was requeued or dropped already")?,
                Requeued::StreamFull { stream, group } => {
                    self.stays(id, &format!("{stream} is full, and group {group} has to read on"))?;
                }
            }
        }
        Ok(())
    }

    fn read(&self, letter: &Letter) -> Result<PartialEvent, String> {
        if letter.group_id != self.group_id.to_string() {
            return Err(format!(
                "it is of group {}, while vk.group_id is {}",
                letter.group_id, self.group_id
            ));
        }
        match converter::read(&letter.raw, &self.rules) {
            Reading::Routed(draft) => Ok(draft),
            Reading::Rejected(rejection) => Err(rejection.to_string()),
            Reading::Unrouted(kind) => Err(format!("updates of type {kind} are not routed")),
        }
    }

    fn stays(&mut self, id: EntryId, reason: &str) -> Result<(), Stop> {
        self.outcome = Exit::Unconverted;
        Ok(tell(id, format_args!("stays: {reason}"))?)
    }
}
