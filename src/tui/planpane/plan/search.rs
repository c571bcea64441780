//! Where a search begins, and where it leads.

use super::{Entry, Place, Plan};
use crate::logs::Direction;
use crate::tui::planpane::parts::Side;
use ratatui::layout::Rect;
use std::sync::Arc;

impl Plan {
    pub(in crate::tui::planpane) fn place(&self) -> Place {
        Place {
            scroll: self.scroll,
            tree: self.config().map(|(_, tree)| tree.clone()),
        }
    }

    pub(in crate::tui::planpane) fn go_back(&mut self, place: Place) {
        self.scroll = place.scroll;
        if let (Entry::Config(stack), Some(tree)) = (self.chosen, place.tree)
            && let Some(now) = self.trees.get_mut(stack)
        {
            *now = tree;
        }
    }

    /// The line from which a search goes on; `typing` looks at where the operator is, too.
    pub(in crate::tui::planpane) fn search_from(
        &self,
        direction: Direction,
        typing: bool,
        area: Rect,
    ) -> usize {
        let height = usize::from(self.parts(area).text.height).max(1);
        let here = match self.config() {
            Some((_, tree)) => tree.line(self.scroll.cursor),
            None => self
                .scroll
                .mark
                .filter(|mark| (self.scroll.top..self.scroll.top + height).contains(mark)),
        };
        match (here, direction) {
            (Some(line), Direction::Forward) if !typing => line + 1,
            (Some(line), _) => line,
            (None, _) => self.scroll.top,
        }
    }

    /// Go to a line that was found.
    pub(in crate::tui::planpane) fn show(&mut self, line: usize, area: Rect) {
        self.side = Side::Text;
        let height = usize::from(self.parts(area).text.height);
        let view = Arc::clone(&self.view);
        if let Entry::Config(stack) = self.chosen
            && let Some(tree) = self.trees.get_mut(stack)
            && let Some(stack) = view.stacks.get(stack)
        {
            tree.reveal(&stack.config, line);
            self.scroll.cursor = tree.row(line);
            let (row, count) = (self.scroll.cursor, tree.shown().len());
            self.scroll.show(row, count, height);
            return;
        }
        self.scroll.mark = Some(line);
        let count = self.count();
        self.scroll.show(line, count, height);
    }

    pub(in crate::tui::planpane) fn forget_mark(&mut self) {
        self.scroll.mark = None;
    }
}
