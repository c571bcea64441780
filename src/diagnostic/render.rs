//! Findings as text for a person: message, place, the line with a caret under the spot, help.

use super::{Finding, Severity, Span};
use crate::text::{redact, sanitize};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthChar;

/// Widest piece of a line that is shown, in terminal columns.
const WIDEST_LINE: usize = 120;

const RESET: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const BLUE: &str = "\u{1b}[1;34m";

/// `findings` about the file shown as `file` with content `text`, one block each, in their order.
///
/// Everything that comes from outside is made harmless for a terminal. `color` adds ANSI colours.
pub fn render(file: &str, text: &[u8], findings: &[Finding], color: bool) -> String {
    let picture = Picture {
        file: sanitize(file).into_owned(),
        lines: lines(text),
        color,
    };
    let mut out = String::new();
    for finding in findings {
        picture.finding(&mut out, finding);
    }
    out
}

/// The lines of `text`, split where the YAML reader splits them.
fn lines(text: &[u8]) -> Vec<String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = String::from_utf8_lossy(text)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    text.split('\n').map(str::to_owned).collect()
}

struct Picture {
    file: String,
    lines: Vec<String>,
    color: bool,
}

impl Picture {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("{code}{text}{RESET}")
        } else {
            text.to_owned()
        }
    }

    fn finding(&self, out: &mut String, finding: &Finding) {
        let (word, code) = match finding.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let message = format!(": {}", sanitize(&redact(&finding.message)));
        let _ = writeln!(out, "{}{}", self.paint(code, word), self.paint(BOLD, &message));
        let Span { line, column, .. } = finding.span;
        let gutter = line.to_string().len().max(1);
        let arrow = self.paint(BLUE, &format!("{:gutter$}-->", ""));
        if line == 0 {
            let _ = writeln!(out, "{arrow} {}", self.file);
        } else {
            let _ = writeln!(out, "{arrow} {}:{line}:{column}", self.file);
            self.excerpt(out, finding.span, code, gutter);
        }
        if let Some(help) = &finding.help {
            let bar = self.paint(BLUE, &format!("{:gutter$} =", ""));
            let _ = writeln!(out, "{bar} help: {}", sanitize(help));
        }
        out.push('\n');
    }

    fn excerpt(&self, out: &mut String, span: Span, code: &str, gutter: usize) {
        let Some(line) = self.lines.get(span.line as usize - 1) else {
            return;
        };
        let bar = self.paint(BLUE, &format!("{:gutter$} |", ""));
        let number = self.paint(BLUE, &format!("{:>gutter$} |", span.line));
        let piece = Piece::of(&redact(line), span);
        let caret = self.paint(code, &"^".repeat(piece.width));
        let _ = writeln!(out, "{bar}");
        let _ = writeln!(out, "{number} {}", piece.text);
        let _ = writeln!(out, "{bar} {:indent$}{caret}", "", indent = piece.indent);
    }
}

/// The part of a line that is shown, and where its caret goes, in terminal columns.
struct Piece {
    text: String,
    indent: usize,
    width: usize,
}

impl Piece {
    fn of(line: &str, span: Span) -> Self {
        let start = span.column.max(1) as usize - 1;
        // Only what can be shown is looked at: a line may be the whole of a large file.
        let cut = start.saturating_sub(WIDEST_LINE);
        let window: String = line.chars().skip(cut).take(3 * WIDEST_LINE).collect();
        let chars: Vec<char> = sanitize(&window).chars().collect();
        let start = (start - cut).min(chars.len());
        let end = start
            .saturating_add(span.width as usize)
            .min(chars.len())
            .max(start);
        let columns = |part: &[char]| part.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();
        let mut first = 0;
        // A caret far to the right: leave a third of the width for what stands before it.
        let before = chars.get(..start).unwrap_or_default();
        if cut > 0 || columns(before) > WIDEST_LINE * 2 / 3 {
            first = before.len().saturating_sub(WIDEST_LINE / 3);
        }
        let mut text = String::new();
        let mut indent = 0;
        if first + cut > 0 {
            text.push('…');
            indent = 1;
        }
        indent += columns(chars.get(first..start).unwrap_or_default());
        let mut used = 0;
        for c in chars.get(first..).unwrap_or_default() {
            used += c.width().unwrap_or(0);
            if used > WIDEST_LINE {
                text.push('…');
                break;
            }
            text.push(*c);
        }
        let width = columns(chars.get(start..end).unwrap_or_default());
        Self {
            text,
            indent,
            width: width.clamp(1, (WIDEST_LINE + 2).saturating_sub(indent).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32, width: u32) -> Span {
        Span { line, column, width }
    }

    #[test]
    fn a_finding_points_at_its_spot() {
        let findings = [
            Finding::error(at(2, 6, 3), "no such factor").with_help("did you mean `abc`?"),
            Finding::warning(Span::default(), "the file is odd"),
            Finding::warning(at(1, 9, 1), "at the end"),
        ];
        insta::assert_snapshot!(render("a.yaml", b"factors:\r\n  - axc\n", &findings, false));
    }

    #[test]
    fn the_caret_counts_columns_and_long_lines_are_cut() {
        let long = format!("{}漢字: xyz{}", "a".repeat(300), "b".repeat(300));
        let findings = [Finding::error(at(1, 305, 3), "here")];
        insta::assert_snapshot!(render("a.yaml", long.as_bytes(), &findings, false));
        let findings = [Finding::error(at(1, 3, 2), "wide")];
        insta::assert_snapshot!(render("a.yaml", "漢字: xyz".as_bytes(), &findings, false));
    }

    #[test]
    fn nothing_from_outside_acts_on_the_terminal() {
        let findings = [Finding::error(at(1, 1, 9), "bad \u{1b}[2J").with_help("\u{7}")];
        let shown = render("a\u{1b}.yaml", b"\x1b[31mred\xff", &findings, false);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        let coloured = render("a.yaml", b"x", &findings, true);
        assert!(coloured.starts_with("\u{1b}[1;31merror"));
    }

    #[test]
    fn a_secret_is_not_shown_with_its_line() {
        let findings = [Finding::error(at(1, 1, 5), "no such key")];
        let shown = render("a.yaml", b"token: hf_abcdefghijklmnop", &findings, false);
        assert!(shown.contains("[redacted]") && !shown.contains("hf_"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn any_span_over_any_text_is_drawn(
            text in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            line in 0u32..9, column in 0u32..300, width in 0u32..300,
        ) {
            let findings = [Finding::error(at(line, column, width), "m")];
            assert!(render("f", &text, &findings, true).contains('m'));
        }
    }
}
