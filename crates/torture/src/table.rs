//! The result, as a table with a column for each phase.

use std::{collections::BTreeSet, fmt, time::Duration};

use crate::{
    phases::Report,
    tally::{Counts, Group},
};

/// Displays reports as a table.
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
        self.row(f, "duplicates from VK dropped", |report| report.verdict.duplicates_dropped)?;
        self.row(f, "duplicates from VK without an id", |report| {
            report.verdict.duplicates_without_id
        })?;
        self.row(f, "gaps reported", |report| report.verdict.gaps)?;
        self.row(f, "  updates missing in them", |report| report.verdict.in_gaps)?;
        self.row(f, "Redis was rolled back", |report| report.watched.rollbacks)?;
        self.row(f, "takeovers", |report| report.watched.takeovers)?;
        self.longest_takeover(f)?;
        self.row(f, "commits fenced", |report| report.fenced)?;
        self.row(f, "unexpected exits", |report| report.unexpected_exits)?;
        self.row(f, "never sent by VK", |report| report.verdict.foreign)?;
        self.row(f, "out of order", |report| report.verdict.out_of_order)?;
        self.row(f, "lost", |report| report.verdict.lost)?;
        self.row(f, "duplicated", |report| report.verdict.duplicated)
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
        write!(f, "{:<34}", "longest takeover under faults, s")?;
        for report in self.0 {
            write!(f, "{:>10.1}", longest(report).as_secs_f32())?;
        }
        let longest = self.0.iter().map(longest).max().unwrap_or(Duration::ZERO);
        writeln!(f, "{:>10.1}", longest.as_secs_f32())
    }
}

/// The number of faults of a group.
pub(crate) fn sum(faults: &Counts, group: Group) -> u64 {
    faults.iter().filter(|((of, _), _)| *of == group).map(|(_, times)| times).sum()
}
