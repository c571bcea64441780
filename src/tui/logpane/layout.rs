//! Which parts of which lines are on screen: pure functions over text, width and height.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// One line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScreenRow {
    /// Index of the line in the window.
    pub(super) line: usize,
    /// The bytes of its text that are here.
    pub(super) part: Range<usize>,
    /// Columns left empty where a wide character was cut in half.
    pub(super) indent: u16,
    /// Whether the line goes on to the right of the screen (never when wrapping).
    pub(super) more: bool,
    /// Whether this is the last part of the line.
    pub(super) last: bool,
    /// Which part of its line this is, from 0.
    pub(super) number: usize,
    /// Bytes of the whole text that match the search, cut to `part`.
    pub(super) hits: Vec<Range<usize>>,
    /// Whether the line looks like an error.
    pub(super) error: bool,
}

/// How lines are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Columns, at least 1.
    pub(super) width: usize,
    /// Whether long lines are wrapped.
    pub(super) wrap: bool,
    /// Columns scrolled to the right, when not wrapping.
    pub(super) left: usize,
}

impl Shape {
    /// The screen rows of one line, in order; at least one.
    pub(super) fn rows(&self, line: usize, text: &str) -> Vec<ScreenRow> {
        let row = |part, number, indent, more, last| ScreenRow {
            line,
            part,
            indent,
            more,
            last,
            number,
            hits: Vec::new(),
            error: false,
        };
        if !self.wrap {
            let (part, indent, more) = cut(text, self.left, self.width);
            return vec![row(part, 0, indent, more, true)];
        }
        let parts = wrap(text, self.width);
        let count = parts.len();
        let numbered = parts.into_iter().enumerate();
        numbered
            .map(|(number, part)| row(part, number, 0, false, number + 1 == count))
            .collect()
    }

    /// How many screen rows a line takes.
    pub(super) fn height(&self, text: &str) -> usize {
        if self.wrap {
            wrap(text, self.width).len()
        } else {
            1
        }
    }
}

/// The parts of a text that fit in `width` columns each; one empty part for an empty text.
fn wrap(text: &str, width: usize) -> Vec<Range<usize>> {
    let width = width.max(1);
    if text.is_ascii() {
        let starts = (0..text.len().max(1)).step_by(width);
        return starts
            .map(|start| start..(start + width).min(text.len()))
            .collect();
    }
    let mut parts = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let columns = grapheme.width();
        if used + columns > width && at > start {
            parts.push(start..at);
            (start, used) = (at, 0);
        }
        used += columns;
    }
    parts.push(start..text.len());
    parts
}

/// The part of a text in the columns from `left` on, `width` of them; how many columns at its start are empty because
/// a wide character does not fit; and whether there is more to the right.
pub(in crate::tui) fn cut(text: &str, left: usize, width: usize) -> (Range<usize>, u16, bool) {
    if text.is_ascii() {
        let start = left.min(text.len());
        let end = start.saturating_add(width).min(text.len());
        return (start..end, 0, end < text.len());
    }
    let (mut start, mut indent) = (None, 0);
    let mut column = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let next = column + grapheme.width();
        if start.is_none() && column >= left {
            start = Some(at);
            indent = column - left;
        }
        if next > left + width {
            let start = start.unwrap_or(at);
            return (start..at.max(start), indent.min(1) as u16, true);
        }
        column = next;
    }
    (
        start.unwrap_or(text.len())..text.len(),
        indent.min(1) as u16,
        false,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(shape: Shape, text: &str) -> Vec<&str> {
        shape
            .rows(0, text)
            .into_iter()
            .map(|row| &text[row.part])
            .collect()
    }

    #[test]
    fn wide_characters_are_never_torn() {
        let shape = |wrap, left| Shape { width: 3, wrap, left };
        assert_eq!(parts(shape(true, 0), "日本語"), ["日", "本", "語"]);
        assert_eq!(parts(shape(true, 0), ""), [""]);
        assert_eq!(parts(shape(true, 0), "abcdef"), ["abc", "def"]);
        assert_eq!(parts(shape(false, 1), "日本語"), ["本"]);
        assert_eq!(shape(false, 1).rows(0, "日本語").first().unwrap().indent, 1);
        assert!(shape(false, 1).rows(0, "日本語").first().unwrap().more);
        assert_eq!(parts(shape(false, 9), "日本語"), [""]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn wrapping_loses_nothing_and_fits(text in "[a-z日é\u{301}👩‍👩‍👧 ]{0,40}", width in 2_usize..12) {
            let shape = Shape { width, wrap: true, left: 0 };
            let parts = parts(shape, &text);
            prop_assert_eq!(parts.concat(), text.clone());
            // A single character may be wider than the screen; nothing can be done about that.
            prop_assert!(parts.iter().all(|part| part.width() <= width || part.graphemes(true).count() == 1));
            prop_assert_eq!(parts.len(), shape.height(&text));
        }

        #[test]
        fn cutting_fits_any_window(text in "[a-z日é ]{0,40}", width in 1_usize..12, left in 0_usize..50) {
            let shape = Shape { width, wrap: false, left };
            for row in shape.rows(0, &text) {
                prop_assert!(text[row.part.clone()].width() + usize::from(row.indent) <= width);
            }
        }
    }
}
