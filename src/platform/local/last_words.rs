//! What a process that died had to say: the end of its log.

use crate::text::sanitize;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How much of a dead process's log a failure tells.
const LAST_LINES: usize = 5;
/// Bytes at the end of a log in which those lines are looked for.
const TAIL: u64 = 4096;

/// The last lines of a log, safe to show.
pub(super) fn of(path: &Path) -> Option<String> {
    let text = tail(path).ok()?;
    let mut lines: Vec<&str> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines.truncate(LAST_LINES);
    lines.reverse();
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| sanitize(&crate::logs::redact(line)).into_owned())
        .collect();
    (!lines.is_empty()).then(|| lines.join(" | "))
}

/// The end of a file, however long it is.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // A word cut in two could be a secret that is not known for one any more.
    let whole = match text.split_once(char::is_whitespace) {
        Some((_, rest)) if start > 0 => rest,
        _ => &text,
    };
    Ok(whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_told_without_secrets_however_long_the_log_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr.log");
        assert_eq!(of(&path), None);
        let mut log = "an early line\n".repeat(100_000);
        log.push_str("one\ntwo\n\nthree\nHF_TOKEN=hf_abcdefghijklmnop\n\u{1b}[31mgone\n");
        std::fs::write(&path, log).unwrap();
        assert_eq!(
            of(&path).unwrap(),
            "one | two | three | HF_TOKEN=[redacted] | \u{241b}[31mgone"
        );
    }
}
