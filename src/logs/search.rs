//! What is searched for in logs: a pattern, and how it is matched against blocks of lines.
//!
//! Matching goes over whole blocks at once, which is many times faster than line by line; a hit is a line. Called by
//! the log files for searching, and by the pane for marking what is found in the lines on screen.

use super::sanitize::strip_escapes;
use regex::bytes::{Regex as ByteRegex, RegexBuilder as ByteRegexBuilder};
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::ops::Range;

/// What looks like an error in the logs of harnesses, servers and Python programs, unless configured otherwise.
///
/// `errors` is left out on purpose: "0 errors" is the most common line of all. Spelled out in the ways it is written,
/// and for ASCII, because that is searched several times faster than "in any case".
pub const DEFAULT_ERROR_PATTERN: &str = concat!(
    r"(?-u)\b(error|ERROR|fatal|Fatal|FATAL|panic|Panic|PANIC|panicked|traceback|Traceback|TRACEBACK|critical|Critical",
    r"|CRITICAL|exception|EXCEPTION|OOM|OOMKilled|oom-kill|out of memory|Out of memory|killed|Killed|KILLED",
    r"|core dumped|segmentation fault|Segmentation fault)\b|(Error|Exception)\b|^E[01][0-9]{3} ",
);

/// Limits on what a compiled pattern may cost: large enough for any sensible pattern, too small to hurt.
const COMPILED_BYTES: usize = 1 << 20;

/// A compiled search pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    literal: bool,
    lines: ByteRegex,
    text: Regex,
}

/// Patterns are equal when they would find the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.literal == other.literal
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// A pattern as the operator typed it: a regular expression, ignoring case unless it has a capital letter. What is
    /// not a valid expression (such as `foo(`) is searched for as it stands; [`Pattern::is_literal`] then says so.
    /// `None` for an empty pattern, or one that is too large.
    pub fn new(source: &str) -> Option<Self> {
        if source.is_empty() {
            return None;
        }
        Self::compile(source, source, false).or_else(|| Self::compile(source, &regex::escape(source), true))
    }

    fn compile(source: &str, expression: &str, literal: bool) -> Option<Self> {
        let ignore_case = !has_capital(source);
        let lines = ByteRegexBuilder::new(expression)
            .multi_line(true)
            .crlf(true)
            .case_insensitive(ignore_case)
            .size_limit(COMPILED_BYTES)
            .build()
            .ok()?;
        let text = RegexBuilder::new(expression)
            .case_insensitive(ignore_case)
            .size_limit(COMPILED_BYTES)
            .build()
            .ok()?;
        Some(Self {
            source: source.to_owned(),
            literal,
            lines,
            text,
        })
    }

    /// As it was typed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it was no valid expression and is searched for as plain text.
    pub fn is_literal(&self) -> bool {
        self.literal
    }

    /// Byte ranges of the matches in a line on screen, in order; empty matches are left out.
    pub fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.text
            .find_iter(text)
            .map(|found| found.range())
            .filter(|range| !range.is_empty())
    }

    /// The first line of `block` with a match, at or after line `from`; lines count from 0.
    pub fn first_line(&self, block: &[u8], from: u64) -> Option<u64> {
        let block = without_escapes(block);
        let start = offset_of(&block, from)?;
        self.next_hit(&block, start).map(|(hit, _)| line_at(&block, hit))
    }

    /// The last line of `block` with a match, before line `before`; lines count from 0.
    pub fn last_line(&self, block: &[u8], before: u64) -> Option<u64> {
        let block = without_escapes(block);
        let end = offset_of(&block, before).unwrap_or(block.len());
        let block = block.get(..end)?;
        let mut last = None;
        let mut at = 0;
        while let Some((hit, next)) = self.next_hit(block, at) {
            last = Some(hit);
            at = next;
        }
        last.map(|hit| line_at(block, hit))
    }

    /// The start of the next line with a match at or after offset `at` (a line start), and of the line after it.
    fn next_hit(&self, block: &[u8], mut at: usize) -> Option<(usize, usize)> {
        while at < block.len() {
            let found = self.lines.find_at(block, at)?;
            let (start, end) = line_around(block, found.start());
            if start >= block.len() {
                return None;
            }
            // A match may begin in one line and end in another (`\s`, `[^x]`): then only the line by itself counts.
            let line = block.get(start..end).unwrap_or_default();
            if found.end() <= end || self.lines.is_match(line) {
                return Some((start, end + 1));
            }
            at = end + 1;
        }
        None
    }
}

/// Whether the operator cares about case: a capital letter that is not part of an escape such as `\S`.
fn has_capital(source: &str) -> bool {
    let mut chars = source.chars();
    while let Some(char) = chars.next() {
        if char == '\\' {
            chars.next();
        } else if char.is_uppercase() {
            return true;
        }
    }
    false
}

/// Colours inside words would hide them from the search. Most blocks have no escape sequence and are used as they are.
fn without_escapes(block: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, block).is_none() {
        return Cow::Borrowed(block);
    }
    let mut plain = Vec::with_capacity(block.len());
    strip_escapes(block, &mut plain);
    Cow::Owned(plain)
}

/// Where line `line` of `block` begins; `None` when it has no such line.
fn offset_of(block: &[u8], line: u64) -> Option<usize> {
    match line.checked_sub(1) {
        None => Some(0),
        Some(previous) => {
            let newline = memchr::memchr_iter(b'\n', block).nth(usize::try_from(previous).ok()?)?;
            Some(newline + 1)
        }
    }
}

fn line_at(block: &[u8], offset: usize) -> u64 {
    memchr::memchr_iter(b'\n', block.get(..offset).unwrap_or_default()).count() as u64
}

fn line_around(block: &[u8], offset: usize) -> (usize, usize) {
    let (before, after) = block.split_at(offset.min(block.len()));
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', after).map_or(block.len(), |newline| before.len() + newline);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hits(pattern: &str, block: &[u8]) -> (Option<u64>, Option<u64>) {
        let pattern = Pattern::new(pattern).unwrap();
        (pattern.first_line(block, 0), pattern.last_line(block, u64::MAX))
    }

    #[test]
    fn case_matters_when_a_capital_is_typed() {
        let block = b"an error\nan ERROR\nan Error\n";
        assert_eq!(hits("error", block), (Some(0), Some(2)));
        assert_eq!(hits("ERROR", block), (Some(1), Some(1)));
        assert_eq!(hits(r"\SRROR", block), (Some(1), Some(1)));
        assert_eq!(hits(r"\Srror", block), (Some(0), Some(2)));
    }

    #[test]
    fn invalid_expressions_are_plain_text() {
        let pattern = Pattern::new("foo(").unwrap();
        assert!(pattern.is_literal());
        assert_eq!(pattern.first_line(b"x\nFoo(1)\n", 0), Some(1));
        assert!(Pattern::new("").is_none());
    }

    #[test]
    fn colours_do_not_hide_words() {
        assert_eq!(
            hits("error: x", b"a\n\x1b[31mERROR\x1b[0m: x\n"),
            (Some(1), Some(1))
        );
    }

    #[test]
    fn matches_stay_within_lines() {
        assert_eq!(hits(r"a\s+b", b"a\nb\na b\n"), (Some(2), Some(2)));
        assert_eq!(hits("^$", b"a\n\nb\n"), (Some(1), Some(1)));
        assert_eq!(hits("end$", b"end\r\nendless\n"), (Some(0), Some(0)));
    }

    #[test]
    fn error_lines_are_told_from_talk_about_errors() {
        let pattern = Pattern::new(DEFAULT_ERROR_PATTERN).unwrap();
        assert!(!pattern.is_literal());
        let is_error = |line: &str| pattern.first_line(line.as_bytes(), 0).is_some();
        for line in [
            "ERROR something",
            "Traceback (most recent call last):",
            "ValueError: bad",
            "thread 'main' panicked at src/main.rs",
            r#"{"level":"error","msg":"x"}"#,
            "E1124 12:00:00.1 controller.go:1] boom",
            "torch.cuda.OutOfMemoryError: CUDA out of memory",
            "reason: OOMKilled",
        ] {
            assert!(is_error(line), "{line}");
        }
        for line in ["0 errors", "request_error_rate=0.0", "zoom level 3", "Eleven 12"] {
            assert!(!is_error(line), "{line}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn blocks_find_what_lines_find(
            lines in proptest::collection::vec("[abAB \\t]{0,6}", 1..12),
            pattern in prop::sample::select(vec!["a", "b+", "a[^x]b", r"a\s*b", "^a", "b$", "A", "ab|ba", "x*"]),
            from in 0_u64..14,
        ) {
            let pattern = Pattern::new(pattern).unwrap();
            let mut block = lines.join("\n").into_bytes();
            block.push(b'\n');
            let matching: Vec<u64> = lines.iter().enumerate()
                .filter(|(_, line)| pattern.text.is_match(line))
                .map(|(index, _)| index as u64).collect();
            prop_assert_eq!(pattern.first_line(&block, from), matching.iter().copied().find(|line| *line >= from));
            prop_assert_eq!(pattern.last_line(&block, from), matching.iter().copied().rfind(|line| *line < from));
        }
    }
}
