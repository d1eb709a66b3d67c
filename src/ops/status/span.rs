//! Spans of time for people: as exact as matters.

/// A span of seconds in its largest unit or two, such as `25 s`, `12 min`, `3 h 5 min` or `2 d 4 h`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0 | 1) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// How long ago something was: `just now`, or `12 min ago`.
#[must_use]
pub fn ago(seconds: u64) -> String {
    match seconds {
        0 | 1 => "just now".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, span};

    #[test]
    fn a_span_is_told_in_its_largest_units() {
        for (seconds, told) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (11_100, "3 h 5 min"),
            (86_400, "1 d"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(span(seconds), told);
        }
        assert_eq!((ago(1), ago(125)), ("just now".to_owned(), "2 min ago".to_owned()));
    }
}
