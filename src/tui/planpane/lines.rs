//! A text by its lines, found without looking at the others, and searched as a whole.

use crate::logs::{Direction, Pattern};
use std::sync::Arc;

/// Bytes of a line that are looked at beyond those that fit on the screen: characters of no width cost some.
const CLIP: usize = 4096;

/// A text and where its lines begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines {
    text: Arc<str>,
    starts: Vec<usize>,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new("".into())
    }
}

impl Lines {
    pub(super) fn new(text: Arc<str>) -> Self {
        let bytes = text.as_bytes();
        let after = memchr::memchr_iter(b'\n', bytes).map(|newline| newline + 1);
        let starts = std::iter::once(0).chain(after);
        // What follows the last line end is a line only if there is something.
        let starts = starts.filter(|start| *start < bytes.len()).collect();
        Self { text, starts }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The beginning of a line, of which at least `columns` columns fit into it; without its end of line.
    pub(super) fn get(&self, line: usize, columns: usize) -> &str {
        let Some(start) = self.starts.get(line) else {
            return "";
        };
        let next = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let whole = self.text.get(*start..next).unwrap_or_default();
        let whole = whole.strip_suffix('\n').unwrap_or(whole);
        let whole = whole.strip_suffix('\r').unwrap_or(whole);
        let most = columns.saturating_mul(4).saturating_add(CLIP);
        whole.get(..whole.floor_char_boundary(most)).unwrap_or(whole)
    }

    /// The next line with a match from line `from` on (backward: before it), and whether that took going on from the
    /// other end.
    pub(super) fn find(&self, pattern: &Pattern, from: usize, direction: Direction) -> Option<(usize, bool)> {
        let text = self.text.as_bytes();
        let from = from as u64;
        let found = match direction {
            Direction::Forward => pattern
                .first_line(text, from)
                .map(|line| (line, false))
                .or_else(|| pattern.first_line(text, 0).map(|line| (line, true))),
            Direction::Backward => pattern
                .last_line(text, from)
                .map(|line| (line, false))
                .or_else(|| pattern.last_line(text, u64::MAX).map(|line| (line, true))),
        };
        found.and_then(|(line, wrapped)| Some((usize::try_from(line).ok()?, wrapped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor() {
        let lines = |text: &str| {
            let lines = Lines::new(text.into());
            (0..lines.len())
                .map(|line| lines.get(line, 80).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(lines("a\n\nb\r\n"), ["a", "", "b"]);
        assert_eq!(lines("a"), ["a"]);
        assert_eq!(lines("\n"), [""]);
        assert!(lines("").is_empty());
        assert_eq!(Lines::default().get(7, 80), "");
    }

    #[test]
    fn a_line_without_end_is_looked_at_only_as_far_as_it_shows() {
        let lines = Lines::new("é".repeat(1 << 20).into());
        assert!(lines.get(0, 100).len() < 10_000);
        assert!(lines.get(0, 100).chars().count() >= 100);
    }

    #[test]
    fn a_search_goes_on_from_the_other_end() {
        let lines = Lines::new("one\ntwo\none\n".into());
        let pattern = Pattern::new("one").unwrap();
        assert_eq!(lines.find(&pattern, 0, Direction::Forward), Some((0, false)));
        assert_eq!(lines.find(&pattern, 1, Direction::Forward), Some((2, false)));
        assert_eq!(lines.find(&pattern, 3, Direction::Forward), Some((0, true)));
        assert_eq!(lines.find(&pattern, 2, Direction::Backward), Some((0, false)));
        assert_eq!(lines.find(&pattern, 0, Direction::Backward), Some((2, true)));
        assert_eq!(
            lines.find(&Pattern::new("three").unwrap(), 0, Direction::Forward),
            None
        );
    }
}
