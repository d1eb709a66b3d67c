//! `check`: which settings are in force, and whether VK and Redis agree with them.

mod report;
mod table;

use clap::Args;

use self::report::report;
use super::{block_on, exit::Exit, print};
use crate::{
    bus,
    config::{self, Loaded, Sources},
    ops::{metrics::Calls, preflight::Severity},
    vk::{self, Api},
};

/// Show the settings in force and where each comes from
///
/// Prints every key with its value and its source; secrets are shown as ***. With mistakes in the
/// configuration it tells all of them, and the exit code is 64.
///
/// With --online it also asks VK and Redis whether the service could work: the token's rights, the
/// community's Long Poll settings, and how Redis keeps what it is given. Nothing is changed there.
/// The exit code is 69 when something is a problem, and 0 when there are only warnings.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  \
    event-fetcher check\n  \
    event-fetcher check --online\n  \
    event-fetcher check --config /etc/event-fetcher/Fetcher.toml"
)]
pub(super) struct Arguments {
    /// Also ask VK and Redis, each once and with the configured time-outs
    #[arg(long)]
    online: bool,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let table = table::of(&loaded.origins);
    let printed = print(&format!("{table}\nThe configuration is fine.\n"));
    if arguments.online && printed == Exit::Done { block_on(ask(loaded)) } else { printed }
}

async fn ask(loaded: Loaded) -> Exit {
    let Loaded { config, access, .. } = loaded;
    let api = match Api::new(config.vk.clone(), access, Calls::default()) {
        Ok(api) => api,
        Err(error) => return Exit::Usage.because(format_args!("{error:#}")),
    };
    let ask_vk = async {
        let mut findings = vk::preflight::ask(&api, &config.vk.api_version).await;
        // A wrong token need not be shown to VK again.
        if !findings.iter().all(|finding| finding.severity == Severity::Problem) {
            findings.push(vk::preflight::ask_for_server(&api).await);
        }
        findings
    };
    let (vk, redis) = tokio::join!(ask_vk, bus::preflight::ask(&config.bus));
    if let Err(error) = report("VK", &vk).and_then(|()| report("Redis", &redis)) {
        return Exit::unwritten(&error);
    }
    if vk.iter().chain(&redis).any(|finding| finding.severity == Severity::Problem) {
        Exit::PermanentError
    } else {
        Exit::Done
    }
}
