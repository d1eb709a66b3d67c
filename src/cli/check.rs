//! `check`: the effective settings, and whether VK and Redis are set up for them.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use clap::Args;

use super::{block_on, exit::Exit, print, text::harmless};
use crate::{
    bus,
    config::{self, Loaded, Origin, Sources},
    ops::{
        metrics::Calls,
        preflight::{Finding, Severity},
    },
    vk::{self, Api},
};

/// Check the configuration, and print each setting with its source
///
/// Secrets are printed as ***. If the configuration has mistakes, all of them are printed and the exit
/// code is 64.
///
/// With --online, the command also checks the token's rights, the community's Long Poll settings, and
/// the memory, persistence and user rights of Redis. It only reads. The exit code is 69 if there is a
/// problem that keeps the service from working, and 0 if there are only warnings.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  \
    event-fetcher check\n  \
    event-fetcher check --online\n  \
    event-fetcher check --config /etc/event-fetcher/Fetcher.toml"
)]
pub(super) struct Arguments {
    /// Also check VK and Redis
    #[arg(long)]
    online: bool,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> Exit {
    let loaded = match config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return Exit::Usage.because(error),
    };
    let settings = table(&loaded.origins);
    let printed = print(&format!("{settings}\nThe configuration is valid.\n"));
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
        // After a rejected token, another call would only fail again.
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

/// A line for each setting: key, value and source, in aligned columns.
fn table(origins: &[Origin]) -> String {
    let width = |column: fn(&Origin) -> &str| {
        origins.iter().map(|origin| column(origin).chars().count()).max().unwrap_or_default()
    };
    let (keys, values) = (width(|it| &it.key), width(|it| &it.value));
    let line = |Origin { key, value, source }: &Origin| {
        format!("{key:keys$}  {value:values$}  {source}\n")
    };
    origins.iter().map(line).collect()
}

/// Prints the findings about `partner`. They may quote its texts, so they are escaped.
fn report(partner: &str, findings: &[Finding]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "\n{partner}")?;
    for Finding { severity, what, remediation } in findings {
        let (word, colour) = match severity {
            Severity::Ok => ("ok", AnsiColor::Green),
            Severity::Unknown => ("unknown", AnsiColor::Yellow),
            Severity::Warning => ("warning", AnsiColor::Yellow),
            Severity::Problem => ("problem", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        writeln!(out, "  {style}{word:7}{style:#}  {}", harmless(what))?;
        if let Some(remediation) = remediation {
            writeln!(out, "           -> {remediation}")?;
        }
    }
    out.flush()
}
