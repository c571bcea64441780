//! From bytes to text: encodings, sizes, and characters that no YAML 1.1 file may hold.

use super::Limits;
use crate::diagnostic::{Finding, Findings, Span};

/// The text of the file without its byte order mark.
pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<&str, Finding> {
    let whole = Place::default().span();
    if bytes.len() > limits.bytes {
        let message = format!("the file is larger than {} MiB", limits.bytes / (1024 * 1024));
        return Err(Finding::error(whole, message).with_help("split it, or generate a smaller design"));
    }
    // Without a byte order mark, every other byte of a text that begins in ASCII is zero.
    let wide = matches!(
        bytes,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, _, ..] | [_, 0, _, 0, ..]
    );
    if wide {
        return Err(Finding::error(whole, "the file is UTF-16, not UTF-8").with_help("save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
        let wrong = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        Finding::error(
            end_of(&valid),
            format!("the byte 0x{wrong:02x} is not UTF-8 text"),
        )
        .with_help("save the file as UTF-8")
    })
}

/// The place right behind `text`.
fn end_of(text: &str) -> Span {
    let mut at = Place::default();
    for c in text.chars() {
        at.step(c);
    }
    at.span()
}

/// A walk through a text, counting lines and columns as the parser does.
#[derive(Clone, Copy)]
struct Place {
    line: u32,
    column: u32,
    after_return: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            line: 1,
            column: 1,
            after_return: false,
        }
    }
}

impl Place {
    fn step(&mut self, c: char) {
        match c {
            '\n' if self.after_return => {}
            '\n' | '\r' => {
                self.line += 1;
                self.column = 1;
            }
            _ => self.column += 1,
        }
        self.after_return = c == '\r';
    }

    fn span(self) -> Span {
        Span {
            line: self.line,
            column: self.column,
            width: 1,
        }
    }
}

/// What a first look at the text says.
#[derive(Debug, Default)]
pub(super) struct Characters {
    /// Length of each line in characters, for the width of spans.
    pub(super) line_lengths: Vec<u32>,
    /// How many characters there are, where the last line has no end.
    pub(super) open_end: Option<usize>,
    /// Whether there is a tab anywhere.
    pub(super) has_tab: bool,
    /// Whether there is a NUL, at which a parser would stop and take the rest for absent.
    pub(super) has_nul: bool,
}

/// Look at every character once, and report those that PyYAML refuses or that YAML 1.1 and 1.2 take differently.
pub(super) fn look_at(text: &str, findings: &mut Findings) -> Characters {
    let mut seen = Characters::default();
    let mut at = Place::default();
    for c in text.chars() {
        match c {
            '\t' => seen.has_tab = true,
            '\0' => seen.has_nul = true,
            _ => {}
        }
        if let Some(problem) = problem_with(c) {
            findings.push(problem(at.span(), c));
        }
        let line = at.line;
        let length = at.column - 1;
        at.step(c);
        if at.line != line {
            seen.line_lengths.push(length);
        }
    }
    seen.line_lengths.push(at.column - 1);
    let last_line = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    if !last_line.trim().is_empty() {
        seen.open_end = Some(text.chars().count());
    }
    seen
}

fn problem_with(c: char) -> Option<fn(Span, char) -> Finding> {
    match c {
        '\t' | '\n' | '\r' => None,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some(|span, c| {
            let message = format!("invisible line separator U+{:04X}", u32::from(c));
            Finding::error(span, message).with_help(
                "YAML 1.1 ends the line here and YAML 1.2 does not; remove it, or write it as an escape",
            )
        }),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => Some(|span, c| {
            Finding::error(span, format!("control character U+{:04X}", u32::from(c)))
                .with_help("remove it; in a double-quoted text it can be written as an escape")
        }),
        _ => None,
    }
}
