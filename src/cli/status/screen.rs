//! A status as one screen. Texts of other people and programs are escaped for the terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::{
    cli::text::{harmless, shortened},
    ops::{
        health::{Failure, PastFailure},
        status::{
            BusReport, BusSnapshot, LettersState, QueryResult, Service, Status, StreamState, ago,
            span,
        },
        verdict::{FlowState, Verdict},
    },
};

/// The longest name or reason shown, in characters.
const LONGEST: usize = 100;

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

pub(super) fn write(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let Status { verdict, service, redis } = status;
    write_verdict(out, verdict)?;
    let snapshot = redis.as_ref().and_then(|redis| redis.snapshot.as_ref());
    writeln!(out)?;
    match service {
        QueryResult::Ok(service) => write_service(out, service)?,
        QueryResult::Err { error } => {
            writeln!(out, "{}{}", label("service"), harmless(error))?;
        }
    }
    match redis {
        Some(BusReport { error: Some(error), .. }) => {
            writeln!(out, "{}{}", label("Redis"), harmless(error))?;
        }
        Some(_) => {}
        None => writeln!(out, "{}events go to standard output", label("Redis"))?,
    }
    if let Some(snapshot) = snapshot {
        write_lease(out, snapshot)?;
        write_streams(out, &snapshot.streams)?;
        write_letters(out, &snapshot.dead_letters)?;
    }
    if let QueryResult::Ok(service) = service {
        write_failures(out, service)?;
    }
    Ok(())
}

fn label(name: &str) -> String {
    format!("{FAINT}{name:14}{FAINT:#}")
}

fn write_verdict(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let colour = match verdict.state {
        FlowState::Flowing => AnsiColor::Green,
        FlowState::Standby | FlowState::Starting => AnsiColor::Cyan,
        FlowState::Degraded => AnsiColor::Yellow,
        FlowState::Stopped | FlowState::Unknown => AnsiColor::Red,
    };
    let style = BOLD.fg_color(Some(colour.into()));
    for (number, line) in verdict.lines().iter().enumerate() {
        let style = if number == 0 { style } else { Style::new() };
        writeln!(out, "{style}{}{style:#}", harmless(line))?;
    }
    Ok(())
}

fn write_service(out: &mut impl Write, service: &Service) -> io::Result<()> {
    let Service { version, group_id, uptime_s, role, role_for_s, .. } = service;
    writeln!(
        out,
        "{}version {}, community {group_id}, up {}, {} for {}",
        label("service"),
        harmless(version),
        span(*uptime_s),
        role.as_str(),
        span(*role_for_s)
    )?;
    let answered = match service.last_poll_s {
        Some(age) => format!("VK answered {}", ago(age)),
        None => "VK has not answered yet".to_owned(),
    };
    writeln!(out, "{}{} events a minute; {answered}", label("rate"), service.events_a_minute)?;
    let timed =
        service.minutes.iter().rev().find_map(|minute| Some((minute.p50_ms?, minute.p99_ms)));
    if let Some((p50, p99)) = timed {
        let p99 = p99.map_or_else(|| "more than 1000 s".to_owned(), |p99| format!("{p99} ms"));
        writeln!(
            out,
            "{}from VK's answer to the commit: p50 {p50} ms, p99 {p99}",
            label("latency")
        )?;
    }
    Ok(())
}

fn write_lease(out: &mut impl Write, snapshot: &BusSnapshot) -> io::Result<()> {
    let since = snapshot.held_for_s.map(|held| format!(", for {}", span(held))).unwrap_or_default();
    match &snapshot.holder {
        Some(holder) => writeln!(out, "{}{}{since}", label("fetched by"), harmless(holder))?,
        None => writeln!(out, "{}nobody", label("fetched by"))?,
    }
    match &snapshot.position {
        Some(position) => {
            let moved = position.age_s.map(|age| format!(", changed {}", ago(age)));
            writeln!(
                out,
                "{}{}{}",
                label("position"),
                harmless(&position.ts),
                moved.unwrap_or_default()
            )?;
        }
        None => writeln!(out, "{}none yet", label("position"))?,
    }
    let BusSnapshot { gaps, updates_lost, duplicates, .. } = snapshot;
    writeln!(out, "{}{gaps}, about {updates_lost} updates lost by VK", label("gaps"))?;
    writeln!(out, "{}{duplicates} dropped", label("duplicates"))
}

fn write_streams(out: &mut impl Write, streams: &[StreamState]) -> io::Result<()> {
    let name = |name: &str| shortened(name, LONGEST);
    let groups =
        streams.iter().flat_map(|it| &it.groups).map(|it| name(&it.name).chars().count() + 2);
    let keys = streams.iter().map(|it| name(&it.name).chars().count());
    let width = keys.chain(groups).max().unwrap_or_default();
    let header = format!(
        "{:width$}  {:>9}  {:>9}  {:>9}  newest, oldest unacknowledged",
        "stream", "entries", "to read", "unacked"
    );
    writeln!(out, "\n{FAINT}{header}{FAINT:#}")?;
    let age_or_dash = |age: Option<u64>| age.map_or_else(|| "-".to_owned(), ago);
    for stream in streams {
        let (key, newest) = (name(&stream.name), age_or_dash(stream.newest_age_s));
        writeln!(out, "{key:width$}  {:>9}  {:>9}  {:>9}  {newest}", stream.length, "", "")?;
        for group in &stream.groups {
            let lag = group.lag.map_or_else(|| "unknown".to_owned(), |lag| lag.to_string());
            let (key, oldest) =
                (format!("  {}", name(&group.name)), age_or_dash(group.oldest_pending_s));
            writeln!(out, "{key:width$}  {:>9}  {lag:>9}  {:>9}  {oldest}", "", group.pending)?;
        }
    }
    Ok(())
}

fn write_letters(out: &mut impl Write, letters: &LettersState) -> io::Result<()> {
    writeln!(out, "\n{}{}", label("dead letters"), letters.count)?;
    for letter in &letters.newest {
        let kind = letter.update_type.as_deref().unwrap_or("no type");
        let (kind, reason) = (shortened(kind, LONGEST), shortened(&letter.reason, LONGEST));
        writeln!(out, "  {}, {kind}: {reason}", ago(letter.age_s))?;
    }
    Ok(())
}

fn write_failures(out: &mut impl Write, service: &Service) -> io::Result<()> {
    if service.failures.is_empty() && service.past_failures.is_empty() {
        return writeln!(out, "{}none since the start", label("failures"));
    }
    writeln!(out, "{}", label("failures"))?;
    for Failure { dependency, lasts, reason, .. } in &service.failures {
        let (lasts, reason) = (span(lasts.as_secs()), shortened(reason, LONGEST));
        writeln!(out, "  {dependency}, now, for {lasts}: {reason}")?;
    }
    for PastFailure { ended, failure } in &service.past_failures {
        let Failure { dependency, lasts, reason, .. } = failure;
        let (ended, lasts) = (span(ended.as_secs()), span(lasts.as_secs()));
        let reason = shortened(reason, LONGEST);
        writeln!(out, "  {dependency}, {ended} ago, for {lasts}: {reason}")?;
    }
    Ok(())
}
