//! How two setup treatments differ: one change after the other, by place, laid out for the width of the screen.

use super::lines::Lines;
use super::parts::{Columns, Parts, Side, Wish};
use super::plan::Place;
use super::scroll::Scroll;
use super::wrapped::{self, Part};
use crate::logs::Direction;
use crate::tui::action::Action;
use crate::tui::plans::{ChangeView, DifferenceView};
use ratatui::layout::Rect;
use std::fmt::Write as _;
use std::sync::Arc;

/// Changes that are shown.
const CHANGES: usize = 20_000;

/// A row of the screen. All texts fit their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    Gap,
    /// The place that the changes after it are in, and how many there are.
    Place(String, usize),
    /// Part of a path, alone on its row.
    Path(String),
    /// Part of a value, alone on its row; whether it is the one after, and whether it begins here.
    Value {
        part: Option<Part>,
        after: bool,
        first: bool,
    },
    /// Parts of path, before and after; `None` where there is no value.
    Cells(String, Option<Part>, Option<Part>),
    /// So many changes are left out.
    More(usize),
}

/// The difference on screen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    view: Arc<DifferenceView>,
    pub(super) swapped: bool,
    pub(super) rows: Vec<Row>,
    /// The change that each row belongs to.
    changes: Vec<usize>,
    pub(super) columns: Columns,
    /// A line per change, as it is searched.
    lines: Lines,
    pub(super) scroll: Scroll,
}

impl Difference {
    pub(super) fn new(view: Arc<DifferenceView>) -> Self {
        let mut text = String::new();
        for change in view.changes.iter().take(CHANGES) {
            let value = |value: &Option<String>| value.as_deref().unwrap_or_default().replace('\n', " ");
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{} {} {} {}",
                change.place.replace('\n', " "),
                change.path.replace('\n', " "),
                value(&change.before),
                value(&change.after)
            );
        }
        Self {
            view,
            swapped: false,
            rows: Vec::new(),
            changes: Vec::new(),
            columns: Columns::of(0),
            lines: Lines::new(text.into()),
            scroll: Scroll::default(),
        }
    }

    pub(super) fn view(&self) -> &DifferenceView {
        &self.view
    }

    /// Names of the one before and the one after, as they are shown.
    pub(super) fn names(&self) -> (&str, &str) {
        if self.swapped {
            (&self.view.after, &self.view.before)
        } else {
            (&self.view.before, &self.view.after)
        }
    }

    pub(super) fn parts(area: Rect) -> Parts {
        let wish = Wish {
            list: None,
            side: Side::Text,
            strip: false,
            full: false,
        };
        let mut parts = Parts::of(area, wish);
        // The first row has the headings.
        let heading = u16::from(parts.text.height >= 3);
        parts.strip = Rect {
            height: heading,
            ..parts.text
        };
        parts.text.y += heading;
        parts.text.height -= heading;
        parts
    }

    /// Lay out anew if the width is another one, and stay at the change that was at the top.
    pub(super) fn settle(&mut self, area: Rect) {
        let parts = Self::parts(area);
        let columns = Columns::of(parts.text.width);
        if columns != self.columns || self.rows.is_empty() {
            self.columns = columns;
            let at = self.changes.get(self.scroll.top).copied();
            self.lay_out();
            self.scroll.top = at.map_or(0, |change| self.row_of(change));
        }
        let last = self.rows.len().saturating_sub(usize::from(parts.text.height));
        self.scroll.top = self.scroll.top.min(last);
    }

    fn lay_out(&mut self) {
        let view = Arc::clone(&self.view);
        self.rows.clear();
        self.changes.clear();
        let mut index = 0;
        let shown = view.changes.get(..CHANGES).unwrap_or(&view.changes);
        for group in shown.chunk_by(|change, next| change.place == next.place) {
            if let Some(first) = group.first() {
                if index > 0 {
                    self.push(index, Row::Gap);
                }
                self.push(index, Row::Place(first.place.clone(), group.len()));
            }
            for change in group {
                self.change(index, change);
                index += 1;
            }
        }
        if index < view.changes.len() {
            self.push(index, Row::More(view.changes.len() - index));
        }
    }

    fn push(&mut self, change: usize, row: Row) {
        self.rows.push(row);
        self.changes.push(change);
    }

    fn change(&mut self, index: usize, change: &ChangeView) {
        let (before, after) = if self.swapped {
            (&change.after, &change.before)
        } else {
            (&change.before, &change.after)
        };
        let (before, after) = (before.as_deref(), after.as_deref());
        match self.columns {
            Columns::Stacked { value } => {
                for part in wrapped::lines(&change.path, value.saturating_add(2)) {
                    self.push(index, Row::Path(part));
                }
                for (parts, after) in wrapped::pair(before, after, value).into_iter().zip([false, true]) {
                    let parts =
                        parts.map_or_else(|| vec![None], |parts| parts.into_iter().map(Some).collect());
                    for (number, part) in parts.into_iter().enumerate() {
                        let first = number == 0;
                        self.push(index, Row::Value { part, after, first });
                    }
                }
            }
            Columns::Table { path, value } => {
                let path = wrapped::lines(&change.path, path);
                let values = wrapped::pair(before, after, value);
                let height = |parts: &Option<Vec<Part>>| parts.as_ref().map_or(1, Vec::len);
                let height = values.iter().map(height).max().unwrap_or(1).max(path.len());
                let mut path = path.into_iter();
                let mut values = values.map(|parts| parts.map(Vec::into_iter));
                for number in 0..height {
                    let [before, after] = values.each_mut().map(|parts| match parts {
                        // An absent value is told apart from one that has no more rows.
                        None => (number > 0).then(Part::default),
                        Some(parts) => Some(parts.next().unwrap_or_default()),
                    });
                    self.push(index, Row::Cells(path.next().unwrap_or_default(), before, after));
                }
            }
        }
    }

    /// The first row of a change.
    fn row_of(&self, change: usize) -> usize {
        self.changes.partition_point(|of| *of < change)
    }

    /// The change at a row.
    pub(super) fn change_at(&self, row: usize) -> Option<usize> {
        self.changes.get(row).copied()
    }

    /// Do what the operator asked for; false if it means nothing here.
    pub(super) fn act(&mut self, action: Action, area: Rect) -> bool {
        let height = usize::from(Self::parts(area).text.height);
        match action {
            Action::Swap => {
                self.swapped = !self.swapped;
                self.lay_out();
            }
            Action::NextFile => {
                let after = (self.scroll.top + 1..self.rows.len()).find(|row| self.is_place(*row));
                self.scroll.top = after.unwrap_or(self.scroll.top);
            }
            Action::PreviousFile => {
                let before = (0..self.scroll.top).rev().find(|row| self.is_place(*row));
                self.scroll.top = before.unwrap_or(0);
            }
            _ => return self.scroll.read(action, self.rows.len(), height),
        }
        true
    }

    fn is_place(&self, row: usize) -> bool {
        matches!(self.rows.get(row), Some(Row::Place(..)))
    }

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(super) fn place(&self) -> Place {
        Place::at(self.scroll)
    }

    pub(super) fn search_from(&self, direction: Direction, typing: bool, area: Rect) -> usize {
        let height = usize::from(Self::parts(area).text.height).max(1);
        let rows = self.scroll.top..self.scroll.top + height;
        let mark = self.scroll.mark.filter(|mark| rows.contains(&self.row_of(*mark)));
        match (mark, direction) {
            (Some(change), Direction::Forward) if !typing => change + 1,
            (Some(change), _) => change,
            (None, _) => self.change_at(self.scroll.top).unwrap_or(0),
        }
    }

    /// Go to a change that was found.
    pub(super) fn show(&mut self, change: usize, area: Rect) {
        let height = usize::from(Self::parts(area).text.height);
        self.scroll.mark = Some(change);
        let (row, count) = (self.row_of(change), self.rows.len());
        self.scroll.show(row, count, height);
    }
}
