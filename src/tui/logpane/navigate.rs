//! Moving about in a log, and from log to log.

use super::Act;
use super::pane::{LogPane, Place, Position};
use crate::logs::Request;

/// Columns per step to the side.
const SIDE: usize = 16;

impl LogPane {
    /// Do what the operator asked for. Returns what to ask the reader.
    pub fn act(&mut self, act: Act) -> Vec<Request> {
        self.notice = None;
        let mut requests = Vec::new();
        // Who moves on does not want to be carried away by the answer to an earlier jump.
        if self.find.forget_request() {
            requests.push(Request::CancelSearch);
        }
        requests.extend(self.act_now(act));
        requests
    }

    fn act_now(&mut self, act: Act) -> Vec<Request> {
        let page = self.height().saturating_sub(1).max(1);
        match act {
            Act::Up => self.up(1),
            Act::Down => self.down(1),
            Act::PageUp => self.up(page),
            Act::PageDown => self.down(page),
            Act::Top => self.go_to(Position { row: 0, part: 0 }),
            Act::Tail => self.go_to_tail(),
            Act::Left => self.go_sideways(self.left.saturating_sub(SIDE)),
            Act::Right => self.right(),
            Act::LineStart => self.go_sideways(0),
            Act::Wrap => self.toggle_wrap(),
            Act::Follow => match self.place() {
                Place::Tail => self.go_to(self.top()),
                Place::At { .. } => self.go_to_tail(),
            },
            Act::NextSource => self.switch(1),
            Act::PreviousSource => self.switch(self.tabs.len().saturating_sub(1)),
            Act::Search => self.begin_typing(),
            Act::NextMatch => self.next_match(),
            Act::PreviousMatch => self.previous_match(),
            Act::NextError => self.next_error(),
            Act::PreviousError => self.previous_error(),
            Act::ClearSearch => self.clear_search(),
        }
    }

    /// Show the log at this position in the row of tabs (from 0), as a click on its tab does.
    pub fn switch_to(&mut self, tab: usize) -> Vec<Request> {
        self.chosen = true;
        if tab >= self.tabs.len() || tab == self.current {
            return Vec::new();
        }
        self.open_tab(tab)
    }

    pub(super) fn open_tab(&mut self, tab: usize) -> Vec<Request> {
        self.current = tab;
        self.forget_rows();
        let mut requests = self.wish();
        if self.find.forget_request() {
            requests.push(Request::CancelSearch);
        }
        requests
    }

    fn switch(&mut self, by: usize) -> Vec<Request> {
        match self.tabs.len() {
            0 => Vec::new(),
            tabs => self.switch_to((self.current + by) % tabs),
        }
    }

    /// Put this position at the top of the screen and stay there.
    pub(super) fn go_to(&mut self, top: Position) -> Vec<Request> {
        let since = match self.place() {
            Place::Tail => self.total(),
            Place::At { since, .. } => since,
        };
        self.set_place(Place::At { top, since });
        self.arrive()
    }

    fn go_to_tail(&mut self) -> Vec<Request> {
        self.set_place(Place::Tail);
        self.mark = None;
        self.settle();
        // Asked for even where the rows are here: the reader has to know that it shall send the tail as it grows.
        self.wish()
    }

    fn arrive(&mut self) -> Vec<Request> {
        let covered = self.settle();
        if covered && !self.is_near_edge() {
            Vec::new()
        } else {
            self.wish()
        }
    }

    /// Whether the next page would need rows that are not here yet.
    fn is_near_edge(&self) -> bool {
        let height = self.height() as u64;
        let top = self.top().row;
        let end = self.window.first + self.window.lines.len() as u64;
        let above = self.window.first > 0 && top < self.window.first + height / 2;
        let below = end < self.total() && top + height + height / 2 > end;
        above || below
    }

    fn up(&mut self, steps: usize) -> Vec<Request> {
        let shape = self.shape();
        let Position { mut row, mut part } = self.wanted_top();
        let mut left = steps;
        while left > 0 {
            if part > 0 {
                let step = part.min(left);
                part -= step;
                left -= step;
            } else if row > 0 {
                row -= 1;
                // A line that is not here counts as one screen row; the next step is exact again.
                let height = self.text(row).map_or(1, |text| shape.height(text));
                part = height - 1;
                left -= 1;
            } else {
                break;
            }
        }
        self.go_to(Position { row, part })
    }

    fn down(&mut self, steps: usize) -> Vec<Request> {
        if self.place() == Place::Tail {
            return Vec::new();
        }
        if self.top() == self.wanted_top() && self.is_at_end() {
            return self.go_to_tail();
        }
        let shape = self.shape();
        let Position { mut row, mut part } = self.wanted_top();
        for _ in 0..steps {
            let height = self.text(row).map_or(1, |text| shape.height(text));
            if part + 1 < height {
                part += 1;
            } else if row + 1 < self.total() {
                (row, part) = (row + 1, 0);
            } else {
                break;
            }
        }
        self.go_to(Position { row, part })
    }

    /// Where the screen begins, or will as soon as its rows are here: keys may come faster than rows.
    fn wanted_top(&self) -> Position {
        match self.place() {
            Place::Tail => self.top(),
            Place::At { top, .. } => top,
        }
    }

    /// Whether the end of the log is on screen.
    fn is_at_end(&self) -> bool {
        let last = self.rows.last();
        last.is_none_or(|last| last.last && self.window.first + last.line as u64 + 1 >= self.total())
    }

    fn text(&self, row: u64) -> Option<&str> {
        let index = usize::try_from(row.checked_sub(self.window.first)?).ok()?;
        self.window.lines.get(index).map(|line| line.text.as_str())
    }

    fn right(&mut self) -> Vec<Request> {
        if self.wrap || !self.rows.iter().any(|row| row.more) {
            return Vec::new();
        }
        self.go_sideways(self.left + SIDE)
    }

    fn go_sideways(&mut self, left: usize) -> Vec<Request> {
        if left == self.left || (self.wrap && left > 0) {
            return Vec::new();
        }
        self.left = left;
        if self.settle() { Vec::new() } else { self.wish() }
    }

    fn toggle_wrap(&mut self) -> Vec<Request> {
        let top = self.top();
        self.wrap = !self.wrap;
        self.left = 0;
        if let Place::At { since, .. } = self.place() {
            let top = Position {
                row: top.row,
                part: 0,
            };
            self.set_place(Place::At { top, since });
        }
        if self.settle() { Vec::new() } else { self.wish() }
    }
}
