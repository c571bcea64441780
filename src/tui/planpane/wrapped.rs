//! Values of a difference in rows that fit, with what makes them different.

use crate::text::sanitize;
use crate::tui::canvas;
use std::ops::Range;

/// Bytes of a value that are shown.
const VALUE: usize = 8 * 1024;

/// A row of a text, and the bytes of it that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) differs: Range<usize>,
}

/// What can be shown of a text: its beginning, made safe for the terminal, and how many bytes are left out.
fn shown(text: &str) -> (String, usize) {
    let start = text.get(..text.floor_char_boundary(VALUE)).unwrap_or(text);
    let lines: Vec<_> = start.lines().map(sanitize).collect();
    (lines.join("\n"), text.len() - start.len())
}

/// Two values in rows of at most this width, each with what differs from the other one. A value that is not there has
/// no rows; one that is has at least one.
pub(super) fn pair(before: Option<&str>, after: Option<&str>, width: u16) -> [Option<Vec<Part>>; 2] {
    let [before, after] = [before, after].map(|text| text.map(shown));
    let whole = |text: &Option<(String, usize)>| 0..text.as_ref().map_or(0, |(text, _)| text.len());
    let ranges = match (&before, &after) {
        (Some((before, _)), Some((after, _))) => differing(before, after),
        _ => [whole(&before), whole(&after)],
    };
    let mut ranges = ranges.into_iter();
    [before, after].map(|text| {
        let differs = ranges.next().unwrap_or_default();
        text.map(|(text, hidden)| rows(&text, hidden, width, &differs))
    })
}

/// A text in rows of at most this width: its own lines, each as many rows as it takes.
pub(super) fn lines(text: &str, width: u16) -> Vec<String> {
    let (text, hidden) = shown(text);
    let parts = rows(&text, hidden, width, &(0..0));
    parts.into_iter().map(|part| part.text).collect()
}

fn rows(text: &str, hidden: usize, width: u16, differs: &Range<usize>) -> Vec<Part> {
    let mut rows = Vec::new();
    let mut at = 0;
    for line in text.split('\n') {
        for row in canvas::wrap_hard(line, width) {
            let within = |byte: usize| byte.saturating_sub(at).min(row.len());
            let differs = within(differs.start)..within(differs.end);
            at += row.len();
            rows.push(Part { text: row, differs });
        }
        at += 1;
    }
    if hidden > 0 {
        let note = canvas::wrap_hard(&format!("({hidden} more bytes)"), width);
        rows.extend(note.into_iter().map(|text| Part { text, differs: 0..0 }));
    }
    rows
}

/// The bytes in the middle of two texts that are not the same, widened to whole words; all of both where they have
/// nothing in common.
fn differing(before: &str, after: &str) -> [Range<usize>; 2] {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let common = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        let same = pairs.take_while(|(before, after)| before == after);
        same.map(|(c, _)| c.len_utf8()).sum()
    };
    let mut start = common(&mut before.chars().zip(after.chars()));
    let texts = [before, after];
    let rest = |start: usize| texts.map(|text| text.get(start..).unwrap_or_default());
    if rest(start).iter().any(|rest| rest.starts_with(in_word)) {
        let shared = before.get(..start).unwrap_or_default();
        start = shared.trim_end_matches(in_word).len();
    }
    let [before_rest, after_rest] = rest(start);
    let mut end = common(&mut before_rest.chars().rev().zip(after_rest.chars().rev()));
    let middle = |end: usize| rest(start).map(|rest| rest.get(..rest.len() - end).unwrap_or_default());
    if middle(end).iter().any(|middle| middle.ends_with(in_word)) {
        let shared = before.get(before.len() - end..).unwrap_or_default();
        end = shared.trim_start_matches(in_word).len();
    }
    texts.map(|text| start..text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(before: &str, after: &str, width: u16) -> [Vec<(String, String)>; 2] {
        pair(Some(before), Some(after), width).map(|parts| {
            let parts = parts.unwrap().into_iter();
            parts
                .map(|part| (part.text[part.differs.clone()].to_owned(), part.text))
                .collect()
        })
    }

    #[test]
    fn whole_words_differ() {
        let [before, after] = told("--len 16000 --tp=4", "--len 16384 --tp=4", 80);
        assert_eq!(before[0].0, "16000");
        assert_eq!(after[0].0, "16384");
        let [before, after] = told("a b", "a x b", 80);
        assert_eq!((before[0].0.trim(), after[0].0.trim()), ("", "x"));
        let [before, after] = told("1", "2", 80);
        assert_eq!((before[0].0.as_str(), after[0].0.as_str()), ("1", "2"));
    }

    #[test]
    fn what_differs_is_known_in_every_row() {
        let [before, after] = told("one two\nthree", "one 2\nthree", 5);
        let differs = |rows: &[(String, String)]| rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>();
        assert_eq!(differs(&before), ["t", "wo", ""]);
        assert_eq!(differs(&after), ["2", ""]);
    }

    #[test]
    fn what_is_not_there_has_no_rows_and_what_is_long_is_cut() {
        let [before, after] = pair(None, Some(""), 10);
        assert!(before.is_none());
        assert_eq!(after.unwrap(), [Part::default()]);
        let rows = lines(&"x".repeat(10_000), 100);
        assert_eq!(rows.last().unwrap(), "(1808 more bytes)");
        assert!(rows.len() < 100);
    }

    proptest! {
        #[test]
        fn any_two_texts_have_rows(before in "[ab.é漢 \n]{0,20}", after in "[ab.é漢 \n]{0,20}", width in 1u16..9) {
            for parts in pair(Some(&before), Some(&after), width).into_iter().flatten() {
                for part in parts {
                    prop_assert!(part.text.get(part.differs.clone()).is_some(), "{:?}", part);
                }
            }
        }
    }
}
