//! Moving about in a plan: in the list, in the text, in the tree, with keys and mouse.

use super::{Entry, Plan};
use crate::tui::action::Action;
use crate::tui::layout::inside;
use crate::tui::planpane::parts::Side;
use crate::tui::planpane::scroll::SIDE;
use ratatui::layout::{Position, Rect};
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

impl Plan {
    fn choose(&mut self, entry: Entry) {
        if matches!(entry, Entry::Stack(_)) || entry == self.chosen {
            return;
        }
        self.seen.insert(self.chosen, self.scroll);
        self.chosen = entry;
        self.scroll = self.seen.get(&entry).copied().unwrap_or_default();
        self.lines = self.text_of(entry);
    }

    /// Choose what is so many entries further, names of stacks left out.
    fn step(&mut self, by: isize) {
        let can: Vec<Entry> = self
            .entries
            .iter()
            .copied()
            .filter(|entry| !matches!(entry, Entry::Stack(_)))
            .collect();
        let at = can.iter().position(|entry| *entry == self.chosen).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(can.len().saturating_sub(1));
        if let Some(entry) = can.get(to) {
            self.choose(*entry);
        }
    }

    /// Do what the operator asked for; false if it means nothing here.
    pub(in crate::tui::planpane) fn act(&mut self, action: Action, area: Rect) -> bool {
        match action {
            Action::NextFile => self.step(1),
            Action::PreviousFile => self.step(-1),
            Action::HideBlank => {
                self.hide_blank = !self.hide_blank;
                self.list();
            }
            Action::NextPane | Action::PreviousPane => {
                self.full = false;
                self.side = match self.side {
                    Side::List => Side::Text,
                    Side::Text => Side::List,
                };
            }
            Action::FullScreen => {
                self.full = !self.full;
                self.side = Side::Text;
            }
            Action::FoldAll | Action::UnfoldAll | Action::OnlyChosen => self.fold_many(action),
            _ if self.side == Side::List && !self.full => return self.act_in_list(action, area),
            _ => return self.act_in_text(action, area),
        }
        true
    }

    /// One step back within the pane; false when there is none.
    pub(in crate::tui::planpane) fn go_out(&mut self, area: Rect) -> bool {
        if self.full {
            self.full = false;
            return true;
        }
        let hides_list = self.side == Side::Text && self.parts(area).list.is_empty();
        if hides_list {
            self.side = Side::List;
        }
        hides_list
    }

    fn act_in_list(&mut self, action: Action, area: Rect) -> bool {
        let room = inside(self.parts(area).list).height;
        let page = isize::try_from(room.saturating_sub(1).max(1)).unwrap_or(1);
        match action {
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-page),
            Action::PageDown => self.step(page),
            Action::Top | Action::Home => self.step(isize::MIN),
            Action::Bottom => self.step(isize::MAX),
            Action::Open | Action::Fold | Action::Right => self.side = Side::Text,
            Action::Left => {}
            _ => return false,
        }
        true
    }

    fn act_in_text(&mut self, action: Action, area: Rect) -> bool {
        let parts = self.parts(area);
        let (count, height) = (self.count(), usize::from(parts.text.height));
        if self.config().is_some() {
            return self.scroll.walk(action, count, height) || self.act_in_tree(action);
        }
        let shown = usize::from(parts.text.width.saturating_sub(self.gutter()));
        match action {
            Action::Fold => return self.scroll.read(Action::PageDown, count, height),
            Action::Open => {}
            Action::Left if self.scroll.left == 0 => self.side = Side::List,
            Action::Left => self.scroll.left = self.scroll.left.saturating_sub(SIDE),
            Action::Home => self.scroll.left = 0,
            Action::Right => {
                let end = self.scroll.left + shown;
                let rows = (self.scroll.top..count).take(height);
                let goes_on = |row| self.lines.get(row, end + SIDE).width() > end;
                if rows.into_iter().any(goes_on) {
                    self.scroll.left += SIDE;
                }
            }
            _ => return self.scroll.read(action, count, height),
        }
        true
    }

    /// Fold or unfold at the cursor.
    fn act_in_tree(&mut self, action: Action) -> bool {
        let Entry::Config(stack) = self.chosen else {
            return false;
        };
        let view = Arc::clone(&self.view);
        let (Some(lines), Some(tree)) = (
            view.stacks.get(stack).map(|stack| &stack.config),
            self.trees.get_mut(stack),
        ) else {
            return false;
        };
        let Some(line) = tree.line(self.scroll.cursor) else {
            // Without a line there is nothing to fold, and left leads out of the text.
            if action == Action::Left {
                self.side = Side::List;
            }
            return matches!(action, Action::Left | Action::Right | Action::Open | Action::Fold);
        };
        let cursor = match action {
            Action::Open | Action::Fold => {
                tree.toggle(lines, line);
                line
            }
            Action::Right => {
                tree.unfold(lines, line);
                line
            }
            Action::Left => tree.fold(lines, line).unwrap_or_else(|| {
                self.side = Side::List;
                line
            }),
            Action::Home => return true,
            _ => return false,
        };
        self.scroll.cursor = tree.row(cursor);
        true
    }

    fn fold_many(&mut self, action: Action) {
        let view = Arc::clone(&self.view);
        for (stack, (tree, view)) in self.trees.iter_mut().zip(&view.stacks).enumerate() {
            let here = self.chosen == Entry::Config(stack);
            let line = tree.line(self.scroll.cursor).filter(|_| here);
            match action {
                Action::FoldAll => tree.fold_all(&view.config),
                Action::UnfoldAll => tree.unfold_all(&view.config),
                _ => tree.toggle_chosen(&view.config),
            }
            if let Some(line) = line {
                self.scroll.cursor = tree.row(line);
            }
        }
    }

    /// Choose or open what is pressed.
    pub(in crate::tui::planpane) fn press(&mut self, at: Position, area: Rect) {
        let parts = self.parts(area);
        if parts.list.contains(at) {
            self.side = Side::List;
            let inner = inside(parts.list);
            let pressed = inner
                .contains(at)
                .then(|| self.list_top + usize::from(at.y - inner.y));
            if let Some(entry) = pressed.and_then(|row| self.entries.get(row).copied()) {
                let again = entry == self.chosen;
                self.choose(entry);
                // Where the text is not beside the list, a second press goes to it, as Enter does.
                if again && parts.pane.is_empty() {
                    self.side = Side::Text;
                }
            }
        } else if parts.pane.contains(at) {
            let had_it = self.side == Side::Text;
            self.side = Side::Text;
            if self.config().is_some() && parts.text.contains(at) {
                let row = self.scroll.top + usize::from(at.y - parts.text.y);
                let again = had_it && row == self.scroll.cursor;
                if row < self.count() {
                    self.scroll.cursor = row;
                    if again {
                        self.act_in_tree(Action::Fold);
                    }
                }
            }
        }
    }

    /// Scroll what the wheel is turned over.
    pub(in crate::tui::planpane) fn turn(&mut self, at: Position, action: Action, area: Rect) {
        let parts = self.parts(area);
        if parts.list.contains(at) {
            if matches!(action, Action::Up | Action::Down) {
                self.act_in_list(action, area);
            }
        } else if parts.pane.contains(at) {
            let side = self.side;
            // The wheel folds nothing.
            let folds = self.config().is_some() && matches!(action, Action::Left | Action::Right);
            if !folds {
                self.act_in_text(action, area);
            }
            self.side = side;
        }
    }
}
