//! The gaps that the service reported in its log.

use std::ops::RangeInclusive;

use serde_json::Value;

/// The start of the log message that reports a gap.
const LINE: &str = "VK lost updates";

/// Ranges of positions whose updates VK may have lost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps(Vec<RangeInclusive<u64>>);

impl Gaps {
    /// Reads the gaps from a log of JSON lines.
    pub(crate) fn read(log: &str) -> Self {
        let gap = |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let position = |name: &str| line[name].as_str()?.parse::<u64>().ok();
            line["message"].as_str()?.starts_with(LINE).then_some(())?;
            Some(position("from")? + 1..=position("to")?)
        };
        Self(log.lines().filter_map(gap).collect())
    }

    /// Whether the update at this position may be lost.
    pub(crate) fn cover(&self, ts: u64) -> bool {
        self.0.iter().any(|gap| gap.contains(&ts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_covers_what_comes_after_its_start_up_to_its_end() {
        let gaps = Gaps::read(concat!(
            "not JSON\n",
            r#"{"level":"INFO","message":"event-fetcher starts","from":"1","to":"9"}"#,
            "\n",
            r#"{"level":"ERROR","message":"VK lost updates: events ...","from":"11","to":"14"}"#,
        ));
        let covered: Vec<u64> = (0..20).filter(|&ts| gaps.cover(ts)).collect();
        assert_eq!(covered, [12, 13, 14]);
    }
}
