//! `names`: the names kept in Redis.

use clap::{Args, Subcommand};

use super::{block_on, connector, exit::Exit, print, redis_failed};
use crate::{
    bus,
    config::{self, Sources},
    enrich, vk,
};

const COMMAND: &str = "names";

/// Delete names that the service keeps in Redis
///
/// With names.persist the service keeps the names of users, communities and chats in Redis, until their
/// hard TTL. Events on the bus contain names too; this command does not change them.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = "Example:\n  event-fetcher names forget 206295116")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Delete the names of users
    ///
    /// A service that runs keeps a name in memory until a restart, and stores it again when it looks the user up
    /// again: first stop what makes the user write to the community, then restart the service.
    #[command(verbatim_doc_comment)]
    Forget {
        /// User ids
        #[arg(required = true, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        ids: Vec<i64>,
    },
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let Action::Forget { ids } = &arguments.action;
    let config = match config::load_without_token(sources) {
        Ok(config) => config,
        Err(error) => return Exit::Usage.because(error),
    };
    let Some(group_id) = config.vk.group_id else {
        return Exit::Usage.because(
            "the community is unknown: set GROUPID in the environment, or group_id under [vk] in \
             Fetcher.toml",
        );
    };
    let connector = match connector(&config.bus, COMMAND) {
        Ok(connector) => connector,
        Err(exit) => return exit,
    };
    let fields: Vec<_> = ids.iter().map(|id| enrich::user_field(*id)).collect();
    block_on(async {
        let deleted = async {
            let mut connection = connector.connect().await?;
            bus::forget_names(&mut connection, &config.bus, group_id, vk::LANGS, &fields).await
        };
        match deleted.await {
            Ok(deleted) => print(&format!("{deleted} names deleted\n")),
            Err(error) => redis_failed(&error, "to delete names"),
        }
    })
}
