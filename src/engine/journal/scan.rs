//! Reading a journal from its first record to its last whole one.

use super::line::{self, Flaw};
use super::{Journal, JournalError};
use crate::engine::event::Record;
use crate::engine::state::State;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Where a journal's whole records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// How many there are.
    pub records: u64,
    /// Their bytes.
    pub whole: u64,
    /// Bytes behind them: what a crash left of a batch that never became durable.
    pub torn: u64,
}

/// The first line that is not the next record, and where it stands.
struct Bad {
    line: u64,
    offset: u64,
    flaw: Flaw,
}

/// Give every record of a journal to `each`, in order. Takes no lock and changes nothing.
pub fn scan(path: &Path, journal: impl Read, mut each: impl FnMut(Record)) -> Result<Tail, JournalError> {
    let mut reader = BufReader::with_capacity(1 << 16, journal);
    let mut bytes = Vec::new();
    let mut bad: Option<Bad> = None;
    let (mut line, mut offset, mut records, mut whole) = (0_u64, 0_u64, 0_u64, 0_u64);
    loop {
        bytes.clear();
        let read = reader
            .read_until(b'\n', &mut bytes)
            .map_err(|source| JournalError::Read {
                path: path.to_owned(),
                source,
            })?;
        if read == 0 {
            break;
        }
        line += 1;
        match (decode(&bytes), &bad) {
            (Ok((record, _)), None) if record.seq == records + 1 => {
                records += 1;
                whole += read as u64;
                each(record);
            }
            // A line of a later batch proves that the bad one had been durable: no crash did that.
            (Ok((_, batch)), Some(bad)) if batch > records + 1 => return Err(bad.error(path)),
            (Ok((record, batch)), None) => {
                let reason = format!("it is record {} where {} is due", record.seq, records + 1);
                let flaw = Flaw::Damaged(reason);
                let found = Bad { line, offset, flaw };
                if batch > records + 1 || batch <= records {
                    return Err(found.error(path));
                }
                bad = Some(found);
            }
            (Err(flaw @ Flaw::Unknown(_)), None) => return Err(Bad { line, offset, flaw }.error(path)),
            (Err(flaw), None) => bad = Some(Bad { line, offset, flaw }),
            _ => {}
        }
        offset += read as u64;
    }
    Ok(Tail {
        records,
        whole,
        torn: offset - whole,
    })
}

fn decode(bytes: &[u8]) -> Result<(Record, u64), Flaw> {
    match bytes.strip_suffix(b"\n") {
        Some(line) => line::decode(line),
        None => Err(Flaw::Damaged("its end is missing".to_owned())),
    }
}

impl Bad {
    fn error(&self, path: &Path) -> JournalError {
        let (path, line, offset) = (path.to_owned(), self.line, self.offset);
        match &self.flaw {
            Flaw::Damaged(reason) => JournalError::Corrupt {
                path,
                line,
                offset,
                reason: reason.clone(),
            },
            Flaw::Unknown(reason) => JournalError::Unknown {
                path,
                line,
                offset,
                reason: reason.clone(),
            },
        }
    }
}

/// The state a journal amounts to, and its records. Takes no lock and changes nothing, so it may be used while an
/// engine writes; a batch that is only half there yet is left out.
pub fn replay(journal: &Path) -> Result<(State, Vec<Record>), JournalError> {
    let file = File::open(journal).map_err(|source| JournalError::Read {
        path: journal.to_owned(),
        source,
    })?;
    let mut state = State::default();
    let mut records = Vec::new();
    scan(journal, file, |record| {
        state.apply(&record);
        records.push(record);
    })?;
    Ok((state, records))
}

impl Journal {
    /// Where the journal lies, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
