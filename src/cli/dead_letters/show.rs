//! Prints dead letters for people and for scripts.

use std::io::{self, Write};

use serde_json::json;

use super::{Failure, pretty::pretty, unknown};
use crate::{
    bus::{DeadLetters, EntryId, Letter},
    cli::{
        exit::Exit,
        text::{harmless, shortened},
    },
};

/// The maximum length of a reason in a line, in characters: it may quote the type of the update.
const LONGEST: usize = 200;

/// Prints a line for each letter.
pub(super) async fn list(mut letters: DeadLetters, json: bool) -> Result<Exit, Failure> {
    let mut after = None;
    loop {
        let page = letters.page(after).await?;
        let Some(last) = page.last() else { return Ok(Exit::Done) };
        after = Some(last.id);
        let mut out = io::stdout().lock();
        for letter in &page {
            if json { write_json(&mut out, letter)? } else { write_line(&mut out, letter)? }
        }
    }
}

fn write_line(out: &mut impl Write, letter: &Letter) -> io::Result<()> {
    let Letter { id, group_id, ts, reason, .. } = letter;
    let (group_id, ts) = (harmless(group_id), harmless(ts));
    let (time, reason) = (id.date_and_time(), shortened(reason, LONGEST));
    writeln!(out, "{id}  {time}  {group_id}  {ts}  {reason}")
}

fn write_json(out: &mut impl Write, letter: &Letter) -> io::Result<()> {
    let Letter { id, group_id, ts, reason, raw } = letter;
    let object = json!({
        "id": id.to_string(),
        "time": id.date_and_time(),
        "group_id": group_id,
        "ts": ts,
        "reason": reason,
        "raw": raw,
    });
    writeln!(out, "{object}")
}

/// Prints a dead letter and its update.
pub(super) async fn one(mut letters: DeadLetters, id: EntryId) -> Result<Exit, Failure> {
    let Some(letter) = letters.get(id).await? else { return Ok(unknown(id)?) };
    let Letter { group_id, ts, reason, raw, .. } = &letter;
    let mut out = io::stdout().lock();
    for (name, value) in
        [("time", &id.date_and_time()), ("group", group_id), ("ts", ts), ("reason", reason)]
    {
        writeln!(out, "{name:7} {}", harmless(value))?;
    }
    writeln!(out)?;
    for line in pretty(raw).lines() {
        writeln!(out, "{}", harmless(line))?;
    }
    Ok(Exit::Done)
}
