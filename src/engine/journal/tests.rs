use super::*;
use crate::engine::event::{Outcome, Vitals};
use crate::experiment::CellId;
use std::fs;
use std::io::Read;
use std::sync::{Arc, Mutex};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn notice(text: &str) -> Event {
    Event::Notice {
        text: text.to_owned(),
    }
}

/// A journal file in memory whose disk can be full, or broken.
#[derive(Debug, Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Option<io::ErrorKind>>>);

impl Shelf {
    fn fail(&self, kind: Option<io::ErrorKind>) {
        *self.1.lock().unwrap() = kind;
    }

    fn trouble(&self) -> io::Result<()> {
        self.1.lock().unwrap().map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl JournalFile for Shelf {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::Cursor::new(self.bytes())))
    }

    /// A full disk takes half of what it is given.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let trouble = self.trouble();
        let taken = if trouble.is_ok() {
            bytes.len()
        } else {
            bytes.len() / 2
        };
        self.0.lock().unwrap().extend_from_slice(&bytes[..taken]);
        trouble
    }

    fn sync(&mut self) -> io::Result<()> {
        self.trouble()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().truncate(length as usize);
        Ok(())
    }
}

fn open(shelf: &Shelf) -> Result<(Journal, u64, Vec<Record>), JournalError> {
    let mut records = Vec::new();
    let (journal, torn) = Journal::open(Path::new("j"), Box::new(shelf.clone()), |record| {
        records.push(record);
    })?;
    Ok((journal, torn, records))
}

/// Four batches: 1, 2-3, 4, 5-7.
fn written() -> (Shelf, Vec<Record>) {
    let shelf = Shelf::default();
    let (mut journal, ..) = open(&shelf).unwrap();
    let mut records = Vec::new();
    for batch in [1..2, 2..4, 4..5, 5..8] {
        for seq in batch {
            journal.push(at(seq), notice(&format!("number {seq}"))).unwrap();
        }
        records.extend(journal.commit().unwrap());
    }
    (shelf, records)
}

#[test]
fn what_was_committed_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let file = DiskFile::create(&path).unwrap();
    assert!(
        DiskFile::create(&path).is_err(),
        "an existing journal is never begun again"
    );
    let (mut journal, _) = Journal::open(&path, Box::new(file), |_| {}).unwrap();
    let vitals = Vitals([("ttft_p50_ms".to_owned(), 0.1 + 0.2)].into());
    journal
        .push(
            at(1),
            Event::AttemptEnded {
                cell: CellId::new(1, 2),
                attempt: 1,
                outcome: Outcome::Succeeded { vitals },
            },
        )
        .unwrap();
    journal
        .push(
            at(2),
            notice("\u{1b}[31m \"quoted\"\n,\"len\":1,\"crc\":\"00000000\"}"),
        )
        .unwrap();
    let committed = journal.commit().unwrap();
    journal.push(at(3), notice("never committed")).unwrap();
    drop(journal);
    assert_eq!(replay(&path).unwrap().1, committed);
    let text = fs::read_to_string(&path).unwrap();
    for (line, seq) in text.lines().zip(1..) {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["seq"], seq);
        assert_eq!(json["batch"], 1);
    }
}

#[test]
fn the_documented_line_is_a_line() {
    let page = include_str!("../../../docs/journal.md");
    let line = page.lines().find(|line| line.starts_with("{\"seq\"")).unwrap();
    let (record, batch) = line::decode(line.as_bytes()).unwrap();
    assert_eq!((record.seq, batch), (42, 42));
    let (written, _) = line::encode(&record, batch).unwrap();
    assert_eq!(String::from_utf8(written).unwrap().trim_end(), line);
}

#[test]
fn a_number_json_cannot_hold_is_refused_before_it_is_written() {
    let shelf = Shelf::default();
    let (mut journal, ..) = open(&shelf).unwrap();
    let vitals = Vitals([("x".to_owned(), f64::NAN)].into());
    let event = Event::AttemptEnded {
        cell: CellId::new(0, 0),
        attempt: 1,
        outcome: Outcome::Suspect {
            reasons: vec![],
            vitals,
        },
    };
    assert!(matches!(
        journal.push(at(1), event),
        Err(JournalError::Event { .. })
    ));
    assert!(journal.commit().unwrap().is_empty());
}

#[test]
fn cut_anywhere_it_opens_with_the_whole_records_and_goes_on() {
    let (shelf, records) = written();
    let bytes = shelf.bytes();
    for length in 0..=bytes.len() {
        let cut = Shelf::default();
        cut.0.lock().unwrap().extend_from_slice(&bytes[..length]);
        let (mut journal, torn, read) = open(&cut).unwrap();
        let whole = memchr::memchr_iter(b'\n', &bytes[..length]).count();
        assert_eq!(read, records[..whole], "cut at {length}");
        assert_eq!(cut.bytes().len() as u64, length as u64 - torn);
        journal.push(at(99), notice("on we go")).unwrap();
        let more = journal.commit().unwrap();
        assert_eq!(more[0].seq, whole as u64 + 1);
        assert_eq!(open(&cut).unwrap().2.len(), whole + 1);
    }
}

#[test]
fn damage_in_the_middle_is_an_error_that_names_the_place() {
    let (shelf, _) = written();
    let bytes = shelf.bytes();
    let starts: Vec<usize> = std::iter::once(0)
        .chain((0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1))
        .collect();
    for place in 0..bytes.len() {
        let line = starts.iter().filter(|start| **start <= place).count();
        let damaged = Shelf::default();
        *damaged.0.lock().unwrap() = bytes.clone();
        damaged.0.lock().unwrap()[place] ^= 0x04;
        let opened = open(&damaged);
        // Lines 5 to 7 are the last batch, which a power cut may have left in any condition.
        if line >= 5 {
            assert_eq!(opened.unwrap().2.len(), line - 1, "at {place}");
            continue;
        }
        let Err(JournalError::Corrupt {
            line: told, offset, ..
        }) = opened
        else {
            panic!("damage at {place} was not seen");
        };
        assert_eq!(
            (told as usize, offset as usize),
            (line, starts[line - 1]),
            "at {place}"
        );
    }
}

#[test]
fn a_line_of_a_newer_version_is_not_cut_off() {
    let (shelf, _) = written();
    let body = br#"{"seq":8,"at":"2026-01-01T00:00:00Z","event":"teleported","batch":8"#;
    let line = format!(
        "{},\"len\":{},\"crc\":\"{:08x}\"}}\n",
        String::from_utf8_lossy(body),
        body.len(),
        crc32fast::hash(body)
    );
    shelf.0.lock().unwrap().extend_from_slice(line.as_bytes());
    let error = open(&shelf).unwrap_err();
    assert!(matches!(error, JournalError::Unknown { line: 8, .. }), "{error}");
}

#[test]
fn a_missing_line_is_an_error() {
    let (shelf, _) = written();
    let text = String::from_utf8(shelf.bytes()).unwrap();
    let kept: String = text
        .split_inclusive('\n')
        .enumerate()
        .filter(|(index, _)| *index != 2)
        .map(|(_, line)| line)
        .collect();
    *shelf.0.lock().unwrap() = kept.into_bytes();
    let error = open(&shelf).unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { line: 3, .. }), "{error}");
}

#[test]
fn a_full_disk_loses_nothing_and_leaves_no_trace() {
    for kind in [
        io::ErrorKind::StorageFull,
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::Other,
    ] {
        let (shelf, before) = written();
        let (mut journal, ..) = open(&shelf).unwrap();
        shelf.fail(Some(kind));
        journal.push(at(8), notice("eight")).unwrap();
        for _ in 0..3 {
            let error = journal.commit().unwrap_err();
            assert!(!error.hint().is_empty());
            assert_eq!(
                open(&Shelf(Arc::new(Mutex::new(shelf.bytes())), Arc::default()))
                    .unwrap()
                    .2,
                before
            );
        }
        journal.push(at(9), notice("nine")).unwrap();
        shelf.fail(None);
        assert_eq!(journal.commit().unwrap().len(), 2);
        assert_eq!(open(&shelf).unwrap().2.len(), before.len() + 2);
    }
}
