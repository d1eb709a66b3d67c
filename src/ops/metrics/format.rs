//! The two text formats of `/metrics`, chosen by the scraper's `Accept` header.

use std::fmt::Write;

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, for whoever does not ask for the other.
    Prometheus,
    /// `OpenMetrics`.
    OpenMetrics,
}

impl Format {
    /// The format that an `Accept` header prefers.
    #[must_use]
    pub fn preferred_by(accept: &str) -> Self {
        let open_metrics = quality(accept, "application/openmetrics-text");
        if open_metrics > 0.0 && open_metrics >= quality(accept, "text/plain") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The highest quality that the header gives to a media type; 0 if it does not list it.
fn quality(accept: &str, media_type: &str) -> f32 {
    let of_range = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let is_listed = parts.next()?.eq_ignore_ascii_case(media_type);
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        is_listed.then(|| quality.map_or(1.0, |it| it.parse().unwrap_or(0.0)))
    };
    accept.split(',').filter_map(of_range).fold(0.0, f32::max)
}

/// Rewrites `OpenMetrics` as Prometheus' text format: a family there has the name of its series, suffix
/// included, and there are no units, no type `info` and no end mark.
pub(super) fn to_prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(of_next) = line.strip_prefix("# HELP ") {
            help = of_next;
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|family| family.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                _ => ("", kind),
            };
            let words = help.strip_prefix(name).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = write!(text, "# HELP {name}{suffix}{words}\n# TYPE {name}{suffix} {kind}\n");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_chosen() {
        for (accept, format) in [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/plain", Format::Prometheus),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.6,*/*;q=0.1",
                Format::Prometheus,
            ),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "application/openmetrics-text; version=1.0.0; q=0.5, text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(Format::preferred_by(accept), format, "{accept}");
        }
    }

    #[test]
    fn families_have_the_names_of_their_series() {
        let open_metrics = "# HELP up_seconds How long.\n# TYPE up_seconds counter\n\
                            # UNIT up_seconds seconds\nup_seconds_total 1\n\
                            # HELP build What runs.\n# TYPE build info\nbuild_info{v=\"1\"} 1\n# EOF\n";
        let prometheus = "# HELP up_seconds_total How long.\n# TYPE up_seconds_total counter\n\
                          up_seconds_total 1\n# HELP build_info What runs.\n\
                          # TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n";
        assert_eq!(to_prometheus(open_metrics), prometheus);
    }
}
