//! The input, read in chunks of lines.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use thiserror::Error;

use crate::text;

/// The maximum of lines in a chunk. A chunk is held in memory, and its names are looked up together.
const LINES_A_CHUNK: usize = 500;

/// The size of the read buffer in bytes: about a chunk of common updates.
const READ_AHEAD: usize = 1 << 20;

/// The file cannot be opened.
#[derive(Debug, Error)]
#[error("{file}: {}", text::cause(source))]
pub(super) struct Unopened {
    file: String,
    source: io::Error,
}

/// The lines that are not empty, with their line numbers.
pub(super) struct Lines {
    input: BufReader<Box<dyn Read>>,
    number: u64,
}

impl Lines {
    /// Opens `file`; standard input if there is none or it is `-`.
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

    /// The next lines: at least one unless the input has ended, and no more than have already been read, so
    /// that each line of an interactive input is converted at once.
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
