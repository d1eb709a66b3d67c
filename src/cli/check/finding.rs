//! What was found, and what to do about it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::cli::text::harmless;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Ok,
    Warning,
    Problem,
}

/// One thing that was found.
#[derive(Debug)]
pub(super) struct Finding {
    mark: Mark,
    what: String,
    cure: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self { mark: Mark::Ok, what: what.into(), cure: None }
    }

    /// The service works, and something may be missing or get lost.
    pub(super) fn warning(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { mark: Mark::Warning, what: what.into(), cure: Some(cure.into()) }
    }

    /// The service cannot work.
    pub(super) fn problem(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { mark: Mark::Problem, what: what.into(), cure: Some(cure.into()) }
    }

    /// The service cannot work, and the finding itself says what to do.
    pub(super) fn refusal(what: impl Into<String>) -> Self {
        Self { mark: Mark::Problem, what: what.into(), cure: None }
    }

    pub(super) fn is_problem(&self) -> bool {
        self.mark == Mark::Problem
    }
}

/// Prints the findings about one of the service's partners, whose words may be among them.
pub(super) fn report(partner: &str, findings: &[Finding]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "\n{partner}")?;
    for Finding { mark, what, cure } in findings {
        let (word, colour) = match mark {
            Mark::Ok => ("ok", AnsiColor::Green),
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
