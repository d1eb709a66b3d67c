//! The result, as a table with a column for each phase.

use std::{collections::BTreeSet, fmt, time::Duration};

use crate::{
    phases::Report,
    tally::{Counts, Group},
};

/// The table of these reports.
pub(crate) struct Table<'a>(pub &'a [Report]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<34}", "")?;
        for report in self.0 {
            write!(f, "{:>10}", report.phase.name())?;
        }
        writeln!(f, "{:>10}", "all")?;
        for (group, title) in [
            (Group::Process, "kills and pauses"),
            (Group::Network, "network faults"),
            (Group::Vk, "VK faults"),
        ] {
            self.row(f, title, |report| sum(&report.faults, group))?;
            let kinds: BTreeSet<&(Group, String)> =
                self.0.iter().flat_map(|report| report.faults.keys()).collect();
            for kind in kinds.into_iter().filter(|(of, _)| *of == group) {
                let name = format!("  {}", kind.1);
                self.row(f, &name, |report| report.faults.get(kind).copied().unwrap_or_default())?;
            }
        }
        self.row(f, "updates served by VK", |report| report.verdict.served)?;
        self.row(f, "on the bus: events", |report| report.verdict.events)?;
        self.row(f, "on the bus: dead letters", |report| report.verdict.dead_letters)?;
        self.row(f, "of types not routed, counted", |report| report.verdict.skipped)?;
        self.row(f, "VK's repeats dropped", |report| report.verdict.repeats_dropped)?;
        self.row(f, "VK's repeats without an id", |report| report.verdict.nameless_repeats)?;
        self.row(f, "gaps reported", |report| report.verdict.gaps)?;
        self.row(f, "  updates missing in them", |report| report.verdict.in_gaps)?;
        self.row(f, "Redis came back older", |report| report.watched.went_back)?;
        self.row(f, "takeovers", |report| report.watched.takeovers)?;
        self.longest_takeover(f)?;
        self.row(f, "zombies turned away", |report| report.fenced)?;
        self.row(f, "ended unasked", |report| report.unasked_ends)?;
        self.row(f, "not VK's", |report| report.verdict.foreign)?;
        self.row(f, "out of order", |report| report.verdict.disordered)?;
        self.row(f, "lost", |report| report.verdict.lost)?;
        self.row(f, "doubled", |report| report.verdict.doubled)
    }
}

impl Table<'_> {
    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        number: impl Fn(&Report) -> u64,
    ) -> fmt::Result {
        write!(f, "{title:<34}")?;
        for report in self.0 {
            write!(f, "{:>10}", number(report))?;
        }
        writeln!(f, "{:>10}", self.0.iter().map(number).sum::<u64>())
    }

    fn longest_takeover(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = |report: &Report| report.watched.longest_takeover;
        write!(f, "{:<34}", "longest takeover amid all that, s")?;
        for report in self.0 {
            write!(f, "{:>10.1}", longest(report).as_secs_f32())?;
        }
        let longest = self.0.iter().map(longest).max().unwrap_or(Duration::ZERO);
        writeln!(f, "{:>10.1}", longest.as_secs_f32())
    }
}

/// How many faults of a group there were.
pub(crate) fn sum(faults: &Counts, group: Group) -> u64 {
    faults.iter().filter(|((of, _), _)| *of == group).map(|(_, times)| times).sum()
}
