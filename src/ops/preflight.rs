//! The preflight check: what VK and Redis are set to, as far as it matters here, each finding with what to
//! do about it. `vk` and `bus` ask and change nothing; this is the form of what they find, and its report.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Ok,
    /// It could not be found out.
    Unknown,
    /// The service works, and something may be missing or get lost.
    Warning,
    /// The service cannot work.
    Problem,
}

/// One thing that was found. Others' words may be in it.
#[derive(Debug)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub what: String,
    /// What to do about it, unless the finding itself says so.
    pub remediation: Option<String>,
}

impl Finding {
    /// The setting is as it should be.
    #[must_use]
    pub fn ok(what: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, what: what.into(), remediation: None }
    }

    /// It could not be found out.
    #[must_use]
    pub fn unknown(what: impl Into<String>, remediation: impl Into<String>) -> Self {
        Self {
            severity: Severity::Unknown,
            what: what.into(),
            remediation: Some(remediation.into()),
        }
    }

    /// The service works, and something may be missing or get lost.
    #[must_use]
    pub fn warning(what: impl Into<String>, remediation: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            what: what.into(),
            remediation: Some(remediation.into()),
        }
    }

    /// The service cannot work.
    #[must_use]
    pub fn problem(what: impl Into<String>, remediation: impl Into<String>) -> Self {
        Self {
            severity: Severity::Problem,
            what: what.into(),
            remediation: Some(remediation.into()),
        }
    }

    /// The service cannot work, and the finding itself says what to do.
    #[must_use]
    pub fn refusal(what: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, what: what.into(), remediation: None }
    }
}

/// Logs what was found about `partner`, such as "Redis".
pub fn report(partner: &'static str, findings: &[Finding]) {
    let ok: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Ok)
        .map(|finding| finding.what.as_str())
        .collect();
    if !ok.is_empty() {
        let ok = ok.join("; ");
        tracing::info!("preflight check of {partner}, ok: {ok}");
    }
    for Finding { severity, what, remediation } in findings {
        match severity {
            Severity::Ok => {}
            Severity::Unknown => {
                tracing::info!(remediation, "preflight check of {partner}: {what}")
            }
            Severity::Warning | Severity::Problem => {
                tracing::warn!(remediation, "preflight check of {partner}: {what}");
            }
        }
    }
}
