//! What is on screen: which rows the place needs, asking for them, and laying them out.

use super::layout::ScreenRow;
use super::pane::{LogPane, Place, Position};
use crate::logs::{LineKind, Request, Wanted};
use std::ops::Range;

/// Bytes per line that are fetched at least, and at most however far the operator scrolls to the right.
const CLIP: std::ops::RangeInclusive<usize> = 8 * 1024..=1024 * 1024;

impl LogPane {
    /// Bytes per line that the present shape can show.
    fn clip(&self) -> usize {
        let width = usize::from(self.size.0);
        let columns = if self.wrap {
            width * self.height()
        } else {
            self.left + width
        };
        // No character that takes a column has more than four bytes, but marks above and below cost extra.
        (columns * 8)
            .next_power_of_two()
            .clamp(*CLIP.start(), *CLIP.end())
    }

    /// Ask for the rows of the place and a screen above and below it.
    pub(super) fn wish(&self) -> Vec<Request> {
        if !self.is_visible() || self.tabs.is_empty() {
            return Vec::new();
        }
        let height = self.height().max(1) as u64;
        let wanted = match self.place() {
            Place::Tail => Wanted::Tail(2 * height),
            Place::At { top, .. } => Wanted::Rows {
                first: top.row.saturating_sub(height),
                count: 3 * height,
            },
        };
        vec![Request::Show {
            view: self.view(),
            source: self.current,
            wanted,
            clip: self.clip(),
        }]
    }

    /// Whether the rows that the place needs are here.
    pub(super) fn covers_place(&self) -> bool {
        let height = self.height() as u64;
        let total = self.total();
        let full_screen = total.saturating_sub(height);
        let needed = match self.place() {
            Place::Tail => full_screen..total,
            // Near the end the screen is filled from above.
            Place::At { top, .. } => top.row.min(full_screen)..top.row.saturating_add(height).min(total),
        };
        let have = self.window.first..self.window.first + self.window.lines.len() as u64;
        needed.is_empty() || (have.start <= needed.start && needed.end <= have.end)
    }

    /// Lay out the place if its rows are here; else what was on screen stays. Says whether all is here that the screen
    /// can show; if not, it should be wished for.
    pub(super) fn settle(&mut self) -> bool {
        if !self.covers_place() {
            return false;
        }
        let height = self.height();
        self.rows = match self.place() {
            Place::Tail => self.rows_up_from_end(height),
            Place::At { top, .. } => Some(self.rows_down_from(top, height))
                .filter(|rows| rows.len() >= height)
                .unwrap_or_else(|| self.rows_up_from_end(height)),
        };
        if let Place::At { since, .. } = self.place() {
            self.set_place(Place::At {
                top: self.top(),
                since,
            });
        }
        self.decorate();
        self.window.clip >= self.clip() || !self.cuts_something()
    }

    /// Whether more bytes per line would show more.
    fn cuts_something(&self) -> bool {
        self.rows.iter().any(|row| {
            let line = self.window.lines.get(row.line);
            row.last && line.is_some_and(|line| line.hidden_bytes > 0) && self.window.clip < *CLIP.end()
        })
    }

    /// Screen rows from `top` on, as many as fit.
    fn rows_down_from(&self, top: Position, height: usize) -> Vec<ScreenRow> {
        let shape = self.shape();
        let first = usize::try_from(top.row.saturating_sub(self.window.first)).unwrap_or(usize::MAX);
        let lines = self.window.lines.iter().enumerate().skip(first);
        let rows = lines.flat_map(|(index, line)| shape.rows(index, &line.text));
        rows.skip_while(|row| row.line == first && row.number < top.part)
            .take(height)
            .collect()
    }

    /// The last screen rows of the window, as many as fit.
    fn rows_up_from_end(&self, height: usize) -> Vec<ScreenRow> {
        let shape = self.shape();
        let mut rows = Vec::new();
        for (index, line) in self.window.lines.iter().enumerate().rev() {
            if rows.len() >= height {
                break;
            }
            rows.extend(shape.rows(index, &line.text).into_iter().rev());
        }
        rows.truncate(height);
        rows.reverse();
        rows
    }

    /// Find what is to be marked in the rows on screen, so that drawing need not.
    fn decorate(&mut self) {
        // Rows of one line follow each other; a long wrapped line is searched once, not once per row.
        for rows in self.rows.chunk_by_mut(|row, next| row.line == next.line) {
            let line = rows.first().and_then(|row| self.window.lines.get(row.line));
            let Some(line) = line else { continue };
            let found: Vec<_> = match self.find.pattern() {
                Some(pattern) => pattern.matches(&line.text).collect(),
                None => Vec::new(),
            };
            let errors = self.errors.as_ref().filter(|_| line.kind != LineKind::Gap);
            let error = errors.is_some_and(|errors| errors.matches(&line.text).next().is_some());
            for row in rows {
                let cut = |hit: &Range<usize>| hit.start.max(row.part.start)..hit.end.min(row.part.end);
                row.hits = found.iter().map(cut).filter(|hit| !hit.is_empty()).collect();
                row.error = error;
            }
        }
    }

    /// Where the screen begins now.
    pub(super) fn top(&self) -> Position {
        let first = self.rows.first();
        let (line, part) = first.map_or((0, 0), |row| (row.line, row.number));
        Position {
            row: self.window.first + line as u64,
            part,
        }
    }
}
