//! The log: for people on a terminal, as JSON for collectors, or into systemd's journal.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::config::{Log, LogFormat};

/// Where lines go when they do not go into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error, for commands whose standard output is their result.
    Stderr,
}

/// Starts the log of this process.
pub fn start(log: &Log, output: Output) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)?;
    Ok(Registry::default().with(layer(log.format, output)).with(filter).try_init()?)
}

type AnyLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn layer(format: LogFormat, output: Output) -> AnyLayer {
    let terminal = match output {
        Output::Stdout => io::stdout().is_terminal(),
        Output::Stderr => io::stderr().is_terminal(),
    };
    match format {
        LogFormat::Text => text(output, terminal),
        LogFormat::Auto if terminal && !under_systemd() => text(output, terminal),
        LogFormat::Journald => journal().unwrap_or_else(|| json(output)),
        LogFormat::Auto if under_systemd() => journal().unwrap_or_else(|| json(output)),
        LogFormat::Auto | LogFormat::Json => json(output),
    }
}

/// systemd names the journal's stream to what it starts.
fn under_systemd() -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some()
}

fn journal() -> Option<AnyLayer> {
    let layer = tracing_journald::layer().ok()?;
    Some(layer.with_syslog_identifier("event-fetcher".into()).boxed())
}

fn text(output: Output, colours: bool) -> AnyLayer {
    let layer = tracing_subscriber::fmt::layer().with_ansi(colours).with_target(false);
    match output {
        Output::Stdout => layer.boxed(),
        Output::Stderr => layer.with_writer(io::stderr).boxed(),
    }
}

fn json(output: Output) -> AnyLayer {
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true);
    match output {
        Output::Stdout => layer.boxed(),
        Output::Stderr => layer.with_writer(io::stderr).boxed(),
    }
}
