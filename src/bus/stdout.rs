//! Events as JSON lines on standard output, for trying a token without Redis. Not durable.

use std::io::{self, Write};

use super::Content;

/// Prints the events of a batch, one a line, whole or not at all as far as the reader is there.
pub(super) fn print(content: &Content) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for entry in &content.entries {
        out.write_all(entry.data.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    for letter in &content.dead_letters {
        tracing::warn!(reason = letter.reason, "an update could not become an event");
    }
    Ok(())
}
