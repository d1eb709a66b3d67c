//! The findings, printed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::{
    cli::text::harmless,
    ops::preflight::{Finding, Severity},
};

/// Prints the findings about one of the service's partners, whose words may be among them.
pub(super) fn report(partner: &str, findings: &[Finding]) -> io::Result<()> {
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
