//! The formats of a line. Both append the fields of the spans, such as `group_id`, to those of the event.

use std::fmt;

use anstyle::{AnsiColor, Style};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// Text for people: time, level, message, fields.
pub(super) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let (faint, coloured) = if to.has_ansi_escapes() {
            (Style::new().dimmed(), Style::new().fg_color(Some(colour(level).into())))
        } else {
            (Style::new(), Style::new())
        };
        write!(to, "{faint}")?;
        SystemTime.format_time(&mut to)?;
        write!(to, "{faint:#} {coloured}{level:>5}{coloured:#} ")?;
        context.format_fields(to.by_ref(), event)?;
        for fields in span_fields(context) {
            write!(to, " {fields}")?;
        }
        writeln!(to)
    }
}

fn colour(level: Level) -> AnsiColor {
    match level {
        Level::ERROR => AnsiColor::Red,
        Level::WARN => AnsiColor::Yellow,
        Level::INFO => AnsiColor::Green,
        Level::DEBUG => AnsiColor::Blue,
        Level::TRACE => AnsiColor::Magenta,
    }
}

/// A flat JSON object. It needs fields that are formatted as JSON objects.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut of_event = String::new();
        context.format_fields(Writer::new(&mut of_event), event)?;
        let metadata = event.metadata();
        write!(to, r#"{{"timestamp":""#)?;
        SystemTime.format_time(&mut to)?;
        write!(to, r#"","level":"{}","target":"{}""#, metadata.level(), metadata.target())?;
        for object in std::iter::once(of_event).chain(span_fields(context)) {
            let members =
                object.trim().trim_start_matches('{').strip_suffix('}').unwrap_or_default();
            if !members.is_empty() {
                write!(to, ",{members}")?;
            }
        }
        writeln!(to, "}}")
    }
}

/// The formatted fields of the current spans, the innermost span first.
fn span_fields<S, N>(context: &FmtContext<'_, S, N>) -> Vec<String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let spans = context.lookup_current().into_iter().flat_map(|span| span.scope());
    let fields = spans.filter_map(|span| {
        span.extensions().get::<FormattedFields<N>>().map(|fields| fields.fields.clone())
    });
    fields.filter(|fields| !fields.is_empty()).collect()
}
