//! What a reader sees of files that grow, rotate and are cut off, compared with a naive reading.

use super::*;
use crate::logs::sanitize;
use proptest::prelude::*;
use std::io::Write;

const ALL: u64 = u64::MAX;

fn open(bytes: &[u8]) -> (tempfile::TempDir, LogFile) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stdout.log");
    std::fs::write(&path, bytes).unwrap();
    let mut log = LogFile::new(path);
    log.poll(ALL).unwrap();
    (folder, log)
}

fn append(log: &LogFile, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(log.path())
        .unwrap();
    file.write_all(bytes).unwrap();
}

fn texts(log: &LogFile) -> Vec<String> {
    let lines = log.read(0, ALL, 1 << 20).unwrap();
    assert_eq!(lines.len() as u64, log.rows());
    assert!(lines.iter().zip(0..).all(|(line, row)| line.row == row));
    lines.into_iter().map(|line| line.text).collect()
}

fn naive(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines.into_iter().map(sanitize).collect()
}

/// Looks for a pattern to the end, step by step.
fn search(log: &LogFile, pattern: &str, mut from: u64, direction: Direction) -> Option<u64> {
    let pattern = Pattern::new(pattern).unwrap();
    loop {
        match log.scan(&pattern, from, direction).unwrap() {
            Scan::Hit(row) => return Some(row),
            Scan::Continue(next) => {
                assert_ne!(next, from, "a search must get on");
                from = next;
            }
            Scan::End => return None,
        }
    }
}

#[test]
fn a_log_may_appear_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFile::new(folder.path().join("later.log"));
    assert_eq!(
        log.poll(ALL).unwrap(),
        Poll {
            changed: false,
            more: false
        }
    );
    assert!(log.is_missing());
    append(&log, b"one\ntwo");
    assert!(log.poll(ALL).unwrap().changed);
    assert!(!log.is_missing());
    assert_eq!(texts(&log), ["one", "two"]);
    assert_eq!(
        log.read(1, 1, 100).unwrap().first().unwrap().kind,
        LineKind::Partial
    );
    append(&log, b" more\n");
    assert!(log.poll(ALL).unwrap().changed);
    assert_eq!(texts(&log), ["one", "two more"]);
    assert!(!log.poll(ALL).unwrap().changed);
}

#[test]
fn growth_is_taken_in_by_budget() {
    let (_folder, mut log) = open(b"");
    append(&log, "0123456789\n".repeat(1000).as_bytes());
    let mut looks = 0;
    while log.poll(1024).unwrap().more {
        looks += 1;
    }
    assert_eq!(looks, 11_000 / 1024);
    assert_eq!(log.rows(), 1000);
}

#[test]
fn rotation_is_a_row_and_loses_nothing() {
    let (_folder, mut log) = open(b"old 1\n");
    append(&log, b"old 2\n");
    std::fs::rename(log.path(), log.path().with_extension("1")).unwrap();
    append(&log, b"new 1\n");
    assert!(log.poll(ALL).unwrap().changed);
    assert_eq!(
        texts(&log),
        [
            "old 1",
            "old 2",
            "the log was rotated: a new file begins here",
            "new 1"
        ]
    );
    assert_eq!(log.epoch(), 0);
    assert_eq!(search(&log, "old", 4, Direction::Backward), Some(1));
    assert_eq!(search(&log, "new", 0, Direction::Forward), Some(3));
    assert_eq!(search(&log, "rotated", 0, Direction::Forward), None);
}

#[test]
fn many_rotations_keep_the_newest_and_say_so() {
    let (_folder, mut log) = open(b"file 0\n");
    for index in 1..=MAX_SEGMENTS + 2 {
        std::fs::rename(log.path(), log.path().with_extension(index.to_string())).unwrap();
        append(&log, format!("file {index}\n").as_bytes());
        log.poll(ALL).unwrap();
    }
    let texts = texts(&log);
    assert!(texts.first().unwrap().contains("not shown"), "{texts:?}");
    assert_eq!(texts.last().unwrap(), "file 10");
    assert_eq!(
        texts.iter().filter(|text| text.starts_with("file")).count(),
        MAX_SEGMENTS
    );
    assert!(log.epoch() > 0);
}

#[test]
fn truncation_is_a_row() {
    let (_folder, mut log) = open(b"one\ntwo\nthree\n");
    std::fs::write(log.path(), b"fresh\n").unwrap();
    assert!(log.poll(ALL).unwrap().changed);
    assert_eq!(
        texts(&log),
        [
            "the log was truncated: 3 earlier lines are gone from the file",
            "fresh"
        ]
    );
    assert_eq!(log.epoch(), 1);
}

#[test]
fn an_overwritten_file_is_noticed_even_when_it_is_longer() {
    let (_folder, mut log) = open(b"one\n");
    std::fs::write(log.path(), b"other\nlines\n").unwrap();
    log.poll(ALL).unwrap();
    assert_eq!(log.epoch(), 1);
    assert_eq!(texts(&log).last().unwrap(), "lines");
}

#[test]
fn a_removed_file_stays_readable() {
    let (_folder, mut log) = open(b"one\n");
    append(&log, b"two\n");
    std::fs::remove_file(log.path()).unwrap();
    assert!(log.poll(ALL).unwrap().changed);
    assert!(log.is_missing());
    assert_eq!(texts(&log), ["one", "two"]);
}

#[test]
fn long_lines_are_cut_and_say_how_much() {
    let mut bytes = b"short\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
    bytes.extend_from_slice(b"needle\nafter\n");
    let (_folder, log) = open(&bytes);
    let lines = log.read(0, 3, 10).unwrap();
    let middle = lines.get(1).unwrap();
    assert_eq!(middle.text, "xxxxxxxxxx");
    assert_eq!(middle.hidden_bytes, (3 << 20) + 6 - 10);
    assert_eq!(lines.get(2).unwrap().text, "after");
    assert_eq!(search(&log, "needle", 0, Direction::Forward), Some(1));
    assert_eq!(search(&log, "needle", 3, Direction::Backward), Some(1));
    assert_eq!(search(&log, "after", 0, Direction::Forward), Some(2));
}

#[test]
fn giant_lines_are_searched_in_pieces() {
    let mut bytes = b"a\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 9 << 20));
    bytes.extend_from_slice(b"needle");
    bytes.extend(std::iter::repeat_n(b'y', 1 << 20));
    bytes.extend_from_slice(b"\nz\n");
    let (_folder, log) = open(&bytes);
    assert_eq!(search(&log, "needle", 0, Direction::Forward), Some(1));
    assert_eq!(search(&log, "needle", 2, Direction::Backward), Some(1));
    assert_eq!(search(&log, "^z", 0, Direction::Forward), Some(2));
    assert_eq!(search(&log, "needle", 2, Direction::Forward), None);
    assert_eq!(search(&log, "needle", 1, Direction::Backward), None);
}

#[test]
fn a_long_progress_bar_shows_its_end() {
    let mut bytes = Vec::new();
    for step in 0..5000 {
        write!(bytes, "\rstep {step}").unwrap();
    }
    let (_folder, log) = open(&bytes);
    let lines = log.read(0, 1, 1000).unwrap();
    assert_eq!(lines.first().unwrap().text, "↺… step 4999");
}

#[test]
fn many_lines_are_found_by_number() {
    let mut bytes = Vec::new();
    for line in 0..100_000 {
        writeln!(bytes, "line {line} {}", "·".repeat(line % 40)).unwrap();
    }
    let (_folder, log) = open(&bytes);
    assert_eq!(log.rows(), 100_000);
    for first in [0, 1, 1023, 1024, 1025, 50_000, 99_999] {
        let lines = log.read(first, 2, 4096).unwrap();
        assert!(lines.first().unwrap().text.starts_with(&format!("line {first} ")));
    }
    for row in [0, 1024, 65_535, 99_999] {
        let pattern = format!("line {row} ");
        assert_eq!(search(&log, &pattern, 0, Direction::Forward), Some(row));
        assert_eq!(search(&log, &pattern, 100_000, Direction::Backward), Some(row));
    }
    assert!(log.read(100_000, 5, 10).unwrap().is_empty());
}

/// Lines of the sizes that matter: none, few bytes, and so many that checkpoints and reads are crossed.
fn any_log() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        6 => proptest::collection::vec(any::<u8>(), 0..40),
        2 => "[abc ]{0,20}".prop_map(String::into_bytes),
        1 => (0_usize..70_000).prop_map(|len| vec![b'a'; len]),
    ];
    (proptest::collection::vec(line, 0..60), any::<bool>()).prop_map(|(lines, ended)| {
        let mut bytes = lines.join(&b'\n');
        if ended {
            bytes.push(b'\n');
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_appends_gives_the_same_rows(bytes in any_log(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(bytes.len());
        let (_folder, mut log) = open(b"");
        let mut done = 0;
        for cut in cuts {
            append(&log, &bytes[done..cut]);
            done = cut;
            while log.poll(16 * 1024).unwrap().more {}
        }
        prop_assert_eq!(log.epoch(), 0);
        prop_assert_eq!(texts(&log), naive(&bytes));
    }

    #[test]
    fn windows_are_slices_of_a_naive_reading(bytes in any_log(), first in 0_u64..70, count in 0_u64..70) {
        let (_folder, log) = open(&bytes);
        let all = naive(&bytes);
        let expected: Vec<String> = all.iter().skip(first as usize).take(count as usize).cloned().collect();
        let lines = log.read(first, count, 1 << 20).unwrap();
        prop_assert_eq!(lines.into_iter().map(|line| line.text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn searches_find_what_a_naive_search_finds(
        lines in proptest::collection::vec(prop_oneof![4 => "[abc ]{0,12}", 1 => "[ab]{2000,60000}"], 0..60),
        pattern in prop::sample::select(vec!["a", "ab", "c+b", "^c", "b$", "aaaa"]),
        from in 0_u64..70,
    ) {
        let (_folder, log) = open(lines.join("\n").as_bytes());
        let regex = regex::Regex::new(pattern).unwrap();
        let matching: Vec<u64> = lines.iter().enumerate().take(log.rows() as usize)
            .filter(|(_, line)| regex.is_match(line)).map(|(row, _)| row as u64).collect();
        prop_assert_eq!(search(&log, pattern, from, Direction::Forward), matching.iter().copied().find(|row| *row >= from));
        prop_assert_eq!(search(&log, pattern, from, Direction::Backward), matching.iter().copied().rfind(|row| *row < from));
    }
}
