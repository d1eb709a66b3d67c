//! The findings, printed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::{
    checkup::{Finding, Mark},
    cli::text::harmless,
};

/// Prints the findings about one of the service's partners, whose words may be among them.
pub(super) fn report(partner: &str, findings: &[Finding]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "\n{partner}")?;
    for Finding { mark, what, cure } in findings {
        let (word, colour) = match mark {
            Mark::Ok => ("ok", AnsiColor::Green),
            Mark::Unknown => ("unknown", AnsiColor::Yellow),
            Mark::Warning => ("warning", AnsiColor::Yellow),
            Mark::Problem => ("problem", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        writeln!(out, "  {style}{word:7}{style:#}  {}", harmless(what))?;
        if let Some(cure) = cure {
            writeln!(out, "           -> {cure}")?;
        }
    }
    out.flush()
}
