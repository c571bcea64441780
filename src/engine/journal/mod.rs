//! The journal: the append-only record of a sweep, one event per line.
//!
//! Each line is a JSON object that anybody can read (`jq . journal.jsonl`), and that tells whether it is whole:
//!
//! ```text
//! {"seq":7,"at":"2026-11-25T01:02:03Z","event":"attempt_started",…,"batch":6,"len":142,"crc":"8f3ab2c1"}
//! ```
//!
//! `seq` counts from 1 without gaps. `len` is the number of bytes before `,"len"`, `crc` the CRC-32 of those bytes.
//! `batch` is the sequence number of the first record that was written together with this one; nothing of a batch is
//! written before the whole batch before it is on disk. So a reader knows which lines a power cut may have torn (the
//! last batch, in any order of its sectors), cuts those off, and takes every other damage for what it is: an error.

mod file;
mod line;
mod scan;

pub use file::{DiskFile, JournalFile};
pub use scan::{Tail, replay, scan};

use super::event::{Event, Record};
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file cannot be opened or read.
    #[error("cannot read the journal {}: {source}", path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A record cannot be made durable. What was to be recorded is kept, and written by the next successful commit.
    #[error("cannot write the journal {}: {source}", path.display())]
    Write {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line in the middle is damaged: something other than a crash changed the file.
    #[error(
        "the journal {} is damaged in line {line}, at byte {offset}: {reason}. Restore it from a copy, or cut \
         it off before that byte to go on from there",
        path.display()
    )]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Of the line's first byte, from 0.
        offset: u64,
        /// What is wrong with the line.
        reason: String,
    },
    /// A whole line says something this program does not know.
    #[error(
        "the journal {} has a record in line {line}, at byte {offset}, that this version does not know ({reason}); \
         use the version that wrote it, or a newer one",
        path.display()
    )]
    Unknown {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Of the line's first byte, from 0.
        offset: u64,
        /// What is not known.
        reason: String,
    },
    /// An event cannot be written such that it is read back the same.
    #[error("an event cannot be recorded: {reason}")]
    Event {
        /// Why.
        reason: String,
    },
}

impl JournalError {
    /// What the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space on that file system, then go on; nothing is lost"
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    "make the workspace writable again, then go on; nothing is lost"
                }
                _ => "check the disk, then go on or resume with `--resume`; nothing is lost",
            },
            Self::Read { .. } => "check that the workspace is complete and readable",
            Self::Corrupt { .. } | Self::Unknown { .. } => "the sweep was left as it is",
            Self::Event { .. } => "this is a defect of the program; please report it",
        }
    }
}

/// The writing end of a journal. One per sweep, held by the engine that has the lock.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Box<dyn JournalFile>,
    /// Bytes that are known to be on disk.
    durable: u64,
    /// Sequence number of the next record.
    next: u64,
    /// The batch to be written: records and their lines.
    records: Vec<Record>,
    lines: Vec<u8>,
    /// Whether a write failed, so that bytes beyond `durable` are unknown.
    dirty: bool,
}

impl Journal {
    /// Open a journal for writing: `each` is given every record it holds, in order; a torn tail is cut off, on disk.
    /// Also tells how many bytes were cut. `path` is for messages.
    pub fn open(
        path: &Path,
        mut file: Box<dyn JournalFile>,
        each: impl FnMut(Record),
    ) -> Result<(Self, u64), JournalError> {
        let read_error = |source| JournalError::Read {
            path: path.to_owned(),
            source,
        };
        let tail = scan(path, file.reader().map_err(read_error)?, each)?;
        // What was read may be in the system's memory only, when the engine died before its sync.
        let cut = if tail.torn > 0 {
            file.truncate(tail.whole)
        } else {
            Ok(())
        };
        cut.and_then(|()| file.sync())
            .map_err(|source| JournalError::Write {
                path: path.to_owned(),
                source,
            })?;
        let journal = Self {
            path: path.to_owned(),
            file,
            durable: tail.whole,
            next: tail.records + 1,
            records: Vec::new(),
            lines: Vec::new(),
            dirty: false,
        };
        Ok((journal, tail.torn))
    }

    /// Put an event into the batch. It happened only once [`commit`](Self::commit) returned it.
    pub fn push(&mut self, at: Timestamp, event: Event) -> Result<(), JournalError> {
        let record = Record {
            seq: self.next,
            at,
            event,
        };
        let batch = self.records.first().map_or(self.next, |first| first.seq);
        let (line, record) = line::encode(&record, batch).map_err(|reason| JournalError::Event { reason })?;
        self.lines.extend_from_slice(&line);
        self.records.push(record);
        self.next += 1;
        Ok(())
    }

    /// Make the batch durable; returns its records, as a replay would read them. After an error the batch is kept, and
    /// the next call tries again.
    pub fn commit(&mut self) -> Result<Vec<Record>, JournalError> {
        if self.records.is_empty() {
            return Ok(Vec::new());
        }
        self.write().map_err(|source| {
            self.dirty = true;
            JournalError::Write {
                path: self.path.clone(),
                source,
            }
        })?;
        self.durable += self.lines.len() as u64;
        self.lines.clear();
        Ok(std::mem::take(&mut self.records))
    }

    fn write(&mut self) -> io::Result<()> {
        if self.dirty {
            // After a failed write or sync nobody knows what of it will reach the disk.
            self.file.truncate(self.durable)?;
            self.dirty = false;
        }
        self.file.append(&self.lines)?;
        self.file.sync()
    }
}

#[cfg(test)]
mod tests;
