//! The log: for people on a terminal, as JSON for collectors, or into systemd's journal.

mod config;
mod one_line;

use std::{
    fs::File,
    io::{self, IsTerminal},
    os::{fd::AsFd, unix::fs::MetadataExt},
};

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    layer::{Layered, SubscriberExt},
    reload,
    util::SubscriberInitExt,
};

use self::one_line::OneLine;
pub use config::{Config, LogFormat};

/// Where lines go when they do not go into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error, for commands whose standard output is their result.
    Stderr,
}

/// How much is told, to be changed while it is.
pub struct Level(reload::Handle<EnvFilter, Layered<AnyLayer, Registry>>);

impl Level {
    /// Tells as much as `level` says from now on.
    pub fn change(&self, level: &str) -> anyhow::Result<()> {
        Ok(self.0.reload(EnvFilter::try_new(level)?)?)
    }
}

/// Starts the log of this process.
pub fn start(log: &Config, output: Output) -> anyhow::Result<Level> {
    let (filter, level) = reload::Layer::new(EnvFilter::try_new(&log.level)?);
    Registry::default().with(layer(log.format, output)).with(filter).try_init()?;
    Ok(Level(level))
}

type AnyLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn layer(format: LogFormat, output: Output) -> AnyLayer {
    let terminal = match output {
        Output::Stdout => io::stdout().is_terminal(),
        Output::Stderr => io::stderr().is_terminal(),
    };
    match format {
        LogFormat::Text => text(output, terminal),
        LogFormat::Journald => journal().unwrap_or_else(|| json(output)),
        LogFormat::Auto if goes_to_journal() => journal().unwrap_or_else(|| json(output)),
        LogFormat::Auto if terminal => text(output, terminal),
        LogFormat::Auto | LogFormat::Json => json(output),
    }
}

/// Whether this process's output is the journal's. systemd names it to what it starts, by device and
/// inode, that of standard error where there are two; a shell's children inherit the name, though
/// their output may be a terminal.
fn goes_to_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    [io::stdout().as_fd(), io::stderr().as_fd()].into_iter().any(|output| {
        let metadata = output.try_clone_to_owned().map(File::from).and_then(|it| it.metadata());
        metadata.is_ok_and(|it| format!("{}:{}", it.dev(), it.ino()) == named)
    })
}

fn journal() -> Option<AnyLayer> {
    let layer = tracing_journald::layer().ok()?.with_field_prefix(None);
    Some(OneLine(layer.with_syslog_identifier("event-fetcher".into())).boxed())
}

fn text(output: Output, colours: bool) -> AnyLayer {
    let layer = tracing_subscriber::fmt::layer().with_ansi(colours).with_target(false);
    match output {
        Output::Stdout => OneLine(layer).boxed(),
        Output::Stderr => OneLine(layer.with_writer(io::stderr)).boxed(),
    }
}

fn json(output: Output) -> AnyLayer {
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true);
    match output {
        Output::Stdout => OneLine(layer).boxed(),
        Output::Stderr => OneLine(layer.with_writer(io::stderr)).boxed(),
    }
}
