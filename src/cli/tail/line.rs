//! An event as one line for people. Texts of other people are escaped for the terminal.

use std::{
    fmt,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use super::reader::EventEntry;
use crate::{
    cli::text::{harmless, shortened},
    event::{Content, Event, EventType, Message},
};

/// The longest text or payload shown, in characters.
const LONGEST: usize = 100;

const FAINT: Style = Style::new().dimmed();

/// Writes an event's line.
pub(super) fn write(out: &mut impl Write, entry: &EventEntry) -> io::Result<()> {
    let (time, kind) = (entry.id.time(), entry.kind);
    let style = Style::new().fg_color(Some(colour(kind).into()));
    write!(out, "{FAINT}{time}{FAINT:#}  {style}{kind:8}{style:#}  ")?;
    match serde_json::from_str::<Event>(&entry.data) {
        Ok(event) => writeln!(out, "{}", Description(&event)),
        Err(_) => writeln!(out, "not an event: {}", shortened(&entry.data, LONGEST)),
    }
}

fn colour(kind: EventType) -> AnsiColor {
    match kind {
        EventType::Message => AnsiColor::Green,
        EventType::Command => AnsiColor::Cyan,
        EventType::Button => AnsiColor::Yellow,
        EventType::Reaction => AnsiColor::Magenta,
    }
}

struct Description<'a>(&'a Event);

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { user, peer, content, .. } = self.0;
        named(f, &peer.name, &peer.bpid.to_string())?;
        named(f, &user.name, &user.nick)?;
        match content {
            Content::Message(message) | Content::Command(message) => describe(f, message),
            Content::Button(button) => {
                let payload = shortened(&button.payload.to_string(), LONGEST);
                write!(f, "{payload} on #{}", button.cmid)
            }
            Content::Reaction(reaction) if reaction.rid == 0 => {
                write!(f, "reaction removed from #{}", reaction.cmid)
            }
            Content::Reaction(reaction) => {
                write!(f, "reaction {} on #{}", reaction.rid, reaction.cmid)
            }
        }
    }
}

/// A name, and the id that distinguishes it from equal names.
fn named(f: &mut fmt::Formatter<'_>, name: &str, id: &str) -> fmt::Result {
    if !name.is_empty() {
        write!(f, "{} ", harmless(name))?;
    }
    write!(f, "{FAINT}({}){FAINT:#}  ", harmless(id))
}

fn describe(f: &mut fmt::Formatter<'_>, message: &Message) -> fmt::Result {
    write!(f, "#{}", message.cmid)?;
    if !message.text.is_empty() {
        write!(f, " {}", shortened(&message.text, LONGEST))?;
    }
    // These two are printed below with their details.
    let is_attached = |word: &&String| !matches!(word.as_str(), "reply" | "forward");
    let attached: Vec<_> =
        message.attachments.iter().filter(is_attached).map(|word| harmless(word)).collect();
    if !attached.is_empty() {
        write!(f, " [{}]", attached.join(", "))?;
    }
    if let Some(reply) = &message.reply {
        write!(f, " {FAINT}(answers #{}){FAINT:#}", reply.cmid)?;
    }
    if !message.forward.is_empty() {
        write!(f, " {FAINT}(forwards {}){FAINT:#}", message.forward.len())?;
    }
    Ok(())
}
