//! The log: text on a terminal, JSON for log collectors, or entries of systemd's journal.

mod config;
mod format;
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

/// Where the log is written, unless it goes to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error, for commands that print their result on standard output.
    Stderr,
}

/// A handle that changes the log level of the running process.
pub struct Level(reload::Handle<EnvFilter, Layered<AnyLayer, Registry>>);

impl Level {
    /// Sets the level or filter `level`.
    ///
    /// # Errors
    /// Fails if `level` is no filter.
    pub fn change(&self, level: &str) -> anyhow::Result<()> {
        Ok(self.0.reload(EnvFilter::try_new(level)?)?)
    }
}

/// Starts the log of this process.
///
/// # Errors
/// Fails if the level is no filter, or if the log is running already.
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

/// Whether standard output or standard error is the journal's. `JOURNAL_STREAM` has the device and inode of
/// the stream that systemd opened. Child processes inherit the variable even if their output goes elsewhere,
/// so it is compared with the actual streams.
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
    let layer = tracing_subscriber::fmt::layer().with_ansi(colours).event_format(format::Text);
    match output {
        Output::Stdout => OneLine(layer).boxed(),
        Output::Stderr => OneLine(layer.with_writer(io::stderr)).boxed(),
    }
}

fn json(output: Output) -> AnyLayer {
    let layer = tracing_subscriber::fmt::layer().json().event_format(format::Json);
    match output {
        Output::Stdout => OneLine(layer).boxed(),
        Output::Stderr => OneLine(layer.with_writer(io::stderr)).boxed(),
    }
}
