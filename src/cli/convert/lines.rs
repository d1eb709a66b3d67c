//! The input, in chunks of lines.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use thiserror::Error;

/// The most lines in a chunk, which is what is held in memory and named together.
const LINES_A_CHUNK: usize = 500;

/// How much is read at once: about a chunk of common updates.
const READ_AHEAD: usize = 1 << 20;

/// The file cannot be opened.
#[derive(Debug, Error)]
#[error("{file}: {source}")]
pub(super) struct Unopened {
    file: String,
    source: io::Error,
}

/// The lines that are not empty, with their numbers in the input.
pub(super) struct Lines {
    input: BufReader<Box<dyn Read>>,
    number: u64,
}

impl Lines {
    /// The lines of `file`, or of standard input when there is none or it is `-`.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, Unopened> {
        let input: Box<dyn Read> = match file {
            Some(path) if path != Path::new("-") => Box::new(
                File::open(path)
                    .map_err(|source| Unopened { file: path.display().to_string(), source })?,
            ),
            _ => Box::new(io::stdin()),
        };
        Ok(Self { input: BufReader::with_capacity(READ_AHEAD, input), number: 0 })
    }

    /// At least one line, unless the input has ended, and no more than have already arrived: where
    /// they come one by one, each is answered at once.
    pub(super) fn chunk(&mut self) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut chunk = Vec::new();
        while chunk.is_empty()
            || chunk.len() < LINES_A_CHUNK && self.input.buffer().contains(&b'\n')
        {
            let mut line = Vec::new();
            if self.input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            self.number += 1;
            let line = line.trim_ascii();
            if !line.is_empty() {
                chunk.push((self.number, line.to_vec()));
            }
        }
        Ok(chunk)
    }
}
