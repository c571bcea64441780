//! A line as it is shown: safe text, with what was left out said beside it.

use super::sanitize::{sanitize, sanitize_ending};

/// What a row of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A line of the file.
    Text,
    /// The unfinished last line of a file that may still grow.
    Partial,
    /// Not in the file: says that lines before this row are lost or come from another file.
    Gap,
}

/// One row of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Row number, from 0. Grows without gaps until the log's epoch changes.
    pub row: u64,
    /// Where the row comes from.
    pub kind: LineKind,
    /// Safe to show: no control characters, no escape sequences, no newline.
    pub text: String,
    /// Bytes at the end of the line that are not in `text`; 0 when it is whole.
    pub hidden_bytes: u64,
}

impl Line {
    /// A line of the file from its first bytes; `total` is its whole length. `ending` holds the last bytes of a line
    /// that was cut, when the line was rewritten in place: then the ending is what a terminal would show.
    pub(super) fn text(row: u64, kind: LineKind, head: &[u8], total: u64, ending: Option<&[u8]>) -> Self {
        let hidden_bytes = total.saturating_sub(head.len() as u64);
        let text = match ending {
            Some(ending) => sanitize_ending(ending),
            None => sanitize(whole_characters(head, hidden_bytes > 0)),
        };
        Self {
            row,
            kind,
            text,
            hidden_bytes,
        }
    }

    /// A row that says what is missing.
    pub(super) fn gap(row: u64, text: String) -> Self {
        Self {
            row,
            kind: LineKind::Gap,
            text,
            hidden_bytes: 0,
        }
    }
}

/// Without a character that a cut tore apart: it would show as damage that the file does not have.
fn whole_characters(head: &[u8], cut: bool) -> &[u8] {
    if !cut {
        return head;
    }
    let torn = head
        .iter()
        .rev()
        .take(4)
        .position(|byte| *byte & 0b1100_0000 != 0b1000_0000)
        .map_or(0, |back| back + 1);
    let (body, last) = head.split_at(head.len() - torn);
    match std::str::from_utf8(last) {
        Err(error) if error.error_len().is_none() => body,
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_inside_a_character_shows_no_damage() {
        let line = Line::text(0, LineKind::Text, "ab日".as_bytes().get(..4).unwrap(), 100, None);
        assert_eq!(line.text, "ab");
        assert_eq!(line.hidden_bytes, 96);
        let whole = Line::text(0, LineKind::Text, b"ab\xe6\x97", 4, None);
        assert_eq!(whole.text, "ab\u{fffd}");
    }
}
