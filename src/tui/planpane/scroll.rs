//! Where in a long text the operator is: rows from the top, columns from the left.

use crate::tui::action::Action;

/// Columns per step to the side, as in logs.
pub(super) const SIDE: usize = 16;

/// Which part of a text is on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Scroll {
    /// The first row on screen.
    pub(super) top: usize,
    /// The row under the cursor, where there is a cursor.
    pub(super) cursor: usize,
    /// Columns left of the screen.
    pub(super) left: usize,
    /// The row that a search led to.
    pub(super) mark: Option<usize>,
}

/// Where a step leads from a row; `None` for actions that are no steps.
fn step(from: usize, action: Action, last: usize, page: usize) -> Option<usize> {
    let to = match action {
        Action::Up => from.saturating_sub(1),
        Action::Down => from.saturating_add(1),
        Action::PageUp => from.saturating_sub(page),
        Action::PageDown => from.saturating_add(page),
        Action::Top => 0,
        Action::Bottom => last,
        _ => return None,
    };
    Some(to.min(last))
}

impl Scroll {
    /// Move the page over `count` rows of which `height` fit. False for what is no move.
    pub(super) fn read(&mut self, action: Action, count: usize, height: usize) -> bool {
        let last = count.saturating_sub(height);
        let page = height.saturating_sub(1).max(1);
        let top = step(self.top, action, last, page);
        self.top = top.unwrap_or(self.top);
        top.is_some()
    }

    /// Move the cursor over `count` rows of which `height` fit. False for what is no move.
    pub(super) fn walk(&mut self, action: Action, count: usize, height: usize) -> bool {
        let page = height.saturating_sub(1).max(1);
        let cursor = step(self.cursor, action, count.saturating_sub(1), page);
        self.cursor = cursor.unwrap_or(self.cursor);
        self.keep_cursor(count, height);
        cursor.is_some()
    }

    /// Scroll as little as it takes to have the cursor on screen.
    pub(super) fn keep_cursor(&mut self, count: usize, height: usize) {
        self.cursor = self.cursor.min(count.saturating_sub(1));
        let height = height.max(1);
        let lowest = self.cursor.saturating_sub(height - 1);
        self.top = self.top.clamp(lowest, self.cursor.max(lowest));
        self.top = self.top.min(count.saturating_sub(height)).max(lowest);
    }

    /// Have this row on screen; what is not gets to a third of its height, with what leads there above it.
    pub(super) fn show(&mut self, row: usize, count: usize, height: usize) {
        if !(self.top..self.top + height.max(1)).contains(&row) {
            self.top = row.saturating_sub(height / 3);
        }
        self.top = self.top.min(count.saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_page_ends_with_the_last_row() {
        let mut scroll = Scroll::default();
        assert!(scroll.read(Action::Bottom, 100, 30));
        assert_eq!(scroll.top, 70);
        assert!(scroll.read(Action::PageUp, 100, 30));
        assert_eq!(scroll.top, 41);
        assert!(!scroll.read(Action::Left, 100, 30));
        assert!(scroll.read(Action::Down, 10, 30));
        assert_eq!(scroll.top, 0);
    }

    proptest! {
        #[test]
        fn the_cursor_stays_on_the_screen(
            steps in prop::collection::vec((0usize..6, 0usize..50, 0usize..12), 1..40),
        ) {
            let mut scroll = Scroll::default();
            for (which, count, height) in steps {
                let action = [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::Top, Action::Bottom][which];
                scroll.walk(action, count, height);
                prop_assert!(scroll.cursor < count.max(1));
                prop_assert!((scroll.top..scroll.top + height.max(1)).contains(&scroll.cursor));
            }
        }
    }
}
