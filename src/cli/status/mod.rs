//! `status`: the state of the service and of the bus on one screen.

mod gather;
mod screen;

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use clap::Args;
use tokio::time::sleep;

use self::gather::Gatherer;
use super::{block_on, exit::Exit};
use crate::{config::Sources, ops::status::Status};

/// The pause between two updates of `--watch`.
const PAUSE: Duration = Duration::from_secs(2);

/// Show whether events flow, which dependency is at fault if not, and what to do
///
/// Reads the verdict from the running service on this machine (at http.listen) and the state of the
/// streams from Redis; it works while one of the two does not answer. The group id comes from GROUPID
/// or Fetcher.toml, else from the service. The token is not needed. The exit code is 0 if the service
/// is ready, 1 if not.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  \
    event-fetcher status\n  \
    event-fetcher status --watch\n  \
    event-fetcher status --json | jq '.redis.snapshot.streams[].groups[] | {name, lag}'"
)]
pub(super) struct Arguments {
    /// Update every two seconds until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Print one JSON object per line instead; docs/status.md lists its keys
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let mut gatherer = match Gatherer::new(sources) {
        Ok(gatherer) => gatherer,
        Err(exit) => return exit,
    };
    block_on(async {
        tokio::select! {
            exit = show(arguments, &mut gatherer) => exit,
            _ = tokio::signal::ctrl_c() => Exit::Done,
        }
    })
}

async fn show(arguments: &Arguments, gatherer: &mut Gatherer) -> Exit {
    loop {
        let status = match gatherer.gather().await {
            Ok(status) => status,
            Err(exit) => return exit,
        };
        if let Err(error) = print(arguments, &status) {
            return Exit::unwritten(&error);
        }
        if !arguments.watch {
            return if status.verdict.ready { Exit::Done } else { Exit::NotReady };
        }
        sleep(PAUSE).await;
    }
}

fn print(arguments: &Arguments, status: &Status) -> io::Result<()> {
    if arguments.json {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, status)?;
        writeln!(out)?;
        return out.flush();
    }
    let mut text = Vec::new();
    screen::write(&mut text, status)?;
    if arguments.watch && io::stdout().is_terminal() {
        // Move the cursor to the upper left corner and clear the screen.
        io::stdout().write_all(b"\x1b[H\x1b[J")?;
    }
    let mut out = anstream::stdout().lock();
    out.write_all(&text)?;
    out.flush()
}
