//! The findings of the preflight check: settings of VK and Redis that matter to the service, each with what
//! to do. `vk::preflight` and `bus::preflight` gather the findings; they only read.

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The setting is right.
    Ok,
    /// The setting could not be read.
    Unknown,
    /// The service works, but events may be missing or get lost.
    Warning,
    /// The service cannot work.
    Problem,
}

/// A finding. It may quote texts of VK or Redis.
#[derive(Debug)]
pub struct Finding {
    /// Its severity.
    pub severity: Severity,
    /// The state of the setting.
    pub what: String,
    /// What to do, unless `what` says it.
    pub remediation: Option<String>,
}

impl Finding {
    /// The setting is right.
    #[must_use]
    pub fn ok(what: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, what: what.into(), remediation: None }
    }

    /// The setting could not be read.
    #[must_use]
    pub fn unknown(what: impl Into<String>, remediation: impl Into<String>) -> Self {
        Self {
            severity: Severity::Unknown,
            what: what.into(),
            remediation: Some(remediation.into()),
        }
    }

    /// The service works, but events may be missing or get lost.
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

    /// The service cannot work, and `what` says what to do.
    #[must_use]
    pub fn refusal(what: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, what: what.into(), remediation: None }
    }
}

/// Logs the findings about `partner`, such as "Redis".
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
                tracing::info!(remediation, "preflight check of {partner}: {what}");
            }
            Severity::Warning | Severity::Problem => {
                tracing::warn!(remediation, "preflight check of {partner}: {what}");
            }
        }
    }
}
