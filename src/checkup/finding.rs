//! What was found, and what to do about it.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
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
    pub mark: Mark,
    /// What it is.
    pub what: String,
    /// What to do about it, unless the finding itself says so.
    pub cure: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self { mark: Mark::Ok, what: what.into(), cure: None }
    }

    /// It could not be found out.
    pub(super) fn unknown(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { mark: Mark::Unknown, what: what.into(), cure: Some(cure.into()) }
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
}
