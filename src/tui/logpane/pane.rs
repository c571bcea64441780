//! The pane's model, and how it keeps the rows it shows up to date.

use super::layout::{ScreenRow, Shape};
use super::search::Find;
use crate::engine::Scope;
use crate::logs::{
    DEFAULT_ERROR_PATTERN, LineKind, Pattern, Request, Source, SourceStatus, Update, View, Wanted, Window,
};

/// Bytes per line that are fetched at least, and at most however far the operator scrolls to the right.
const CLIP: std::ops::RangeInclusive<usize> = 8 * 1024..=1024 * 1024;

/// Whose logs the pane shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The attempt or phase.
    pub scope: Scope,
    /// Its name for the operator.
    pub title: String,
    /// Its logs, with absolute paths (or such as the process can open).
    pub sources: Vec<Source>,
    /// Whether their writers are done.
    pub ended: bool,
}

/// The first line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Row of the log.
    pub(super) row: u64,
    /// Which part of the row, when lines are wrapped.
    pub(super) part: usize,
}

/// Where in a log the operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the end, going along with it.
    Tail,
    /// Here, until the operator moves.
    At {
        top: Position,
        /// Rows there were when following stopped.
        since: u64,
    },
}

/// One log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tab {
    pub(super) source: Source,
    /// `None` before the first look at the file.
    pub(super) status: Option<SourceStatus>,
    pub(super) error: Option<String>,
    pub(super) place: Place,
}

/// The log pane's model.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPane {
    pub(super) subject: Option<Subject>,
    view: View,
    pub(super) tabs: Vec<Tab>,
    pub(super) current: usize,
    /// Columns and lines of text.
    pub(super) size: (u16, u16),
    pub(super) wrap: bool,
    pub(super) left: usize,
    pub(super) window: Window,
    /// What is on screen: parts of lines of `window`.
    pub(super) rows: Vec<ScreenRow>,
    /// The row last jumped to.
    pub(super) mark: Option<u64>,
    pub(super) find: Find,
    pub(super) errors: Option<Pattern>,
    pub(super) notice: Option<String>,
}

impl Default for LogPane {
    fn default() -> Self {
        Self::new(DEFAULT_ERROR_PATTERN)
    }
}

impl LogPane {
    /// A pane that shows nothing yet and takes lines with this pattern for errors.
    pub fn new(error_pattern: &str) -> Self {
        Self {
            subject: None,
            view: View::default(),
            tabs: Vec::new(),
            current: 0,
            size: (0, 0),
            wrap: false,
            left: 0,
            window: Window::default(),
            rows: Vec::new(),
            mark: None,
            find: Find::default(),
            errors: Pattern::new(error_pattern),
            notice: None,
        }
    }

    /// Show these logs; what is shown of the same scope already stays as it is.
    pub fn show(&mut self, subject: Subject) -> Vec<Request> {
        if self.subject.as_ref() == Some(&subject) {
            return Vec::new();
        }
        if self
            .subject
            .as_ref()
            .is_none_or(|shown| shown.scope != subject.scope)
        {
            self.view = View(self.view.0 + 1);
            self.tabs.clear();
            self.current = 0;
            self.find.forget_request();
            self.forget_rows();
        }
        let mut known = std::mem::take(&mut self.tabs);
        let tabs = subject.sources.iter().map(|source| {
            match known.iter().position(|tab| tab.source.path == source.path) {
                Some(index) => known.swap_remove(index),
                None => Tab {
                    source: source.clone(),
                    status: None,
                    error: None,
                    place: Place::Tail,
                },
            }
        });
        self.tabs = tabs.collect();
        let mut requests = vec![Request::Open {
            view: self.view,
            sources: subject.sources.clone(),
            ended: subject.ended,
        }];
        self.subject = Some(subject);
        requests.push(self.wish());
        requests
    }

    /// Show nothing: nothing is followed, and all files are closed.
    pub fn close(&mut self) -> Vec<Request> {
        if self.subject.take().is_none() {
            return Vec::new();
        }
        self.tabs.clear();
        self.forget_rows();
        vec![Request::Close]
    }

    /// The pane is not on screen at the moment. [`reveal`](Self::reveal) brings it back.
    pub fn hide(&self) -> Vec<Request> {
        vec![Request::Hide]
    }

    /// The pane is on screen again.
    pub fn reveal(&mut self) -> Vec<Request> {
        vec![self.wish()]
    }

    /// There is room for so many columns and lines of text (see [`text_size`](super::text_size)).
    pub fn resize(&mut self, size: (u16, u16)) -> Vec<Request> {
        if self.size == size {
            return Vec::new();
        }
        self.size = size;
        // Always ask: what was fetched for another height is too little or too much.
        self.settle();
        self.wish_if_shown()
    }

    /// Take in what the reader says. Returns what to ask it next.
    pub fn update(&mut self, update: Update) -> Vec<Request> {
        match update {
            Update::Status {
                view,
                source,
                status,
                window,
            } if view == self.view => self.take_status(source, status, window),
            Update::Found {
                view,
                source,
                id,
                row,
                wrapped,
            } if view == self.view && source == self.current => self.found(id, row, wrapped),
            Update::Failed { view, source, error } if view == self.view => {
                if let Some(tab) = self.tabs.get_mut(source) {
                    tab.error = Some(error);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn take_status(&mut self, source: usize, status: SourceStatus, window: Option<Window>) -> Vec<Request> {
        let current = source == self.current;
        let Some(tab) = self.tabs.get_mut(source) else {
            return Vec::new();
        };
        tab.error = None;
        let before = tab.status.replace(status);
        if before.is_some_and(|before| before.epoch != status.epoch) {
            // Row numbers mean something else now: the place and the rows are those of a log that is gone.
            tab.place = Place::Tail;
            if current {
                self.forget_rows();
                self.notice = Some("the log was replaced or cut off: back at its end".to_owned());
            }
        }
        if !current {
            return Vec::new();
        }
        let answered = window.is_some();
        if let Some(window) = window {
            let before = std::mem::replace(&mut self.window, window);
            if !self.covers_place() {
                // An answer to an older question. What is on screen refers to the rows that are here.
                self.window = before;
            }
        }
        let enough = self.settle();
        // A line that was unfinished may have more text now.
        let stale = !answered && self.shows_partial_line();
        if (!enough && !answered) || stale {
            vec![self.wish()]
        } else {
            Vec::new()
        }
    }

    fn shows_partial_line(&self) -> bool {
        self.rows.iter().any(|row| {
            let line = self.window.lines.get(row.line);
            line.is_some_and(|line| line.kind == LineKind::Partial)
        })
    }

    pub(super) fn forget_rows(&mut self) {
        self.window = Window::default();
        self.rows.clear();
        self.left = 0;
        self.mark = None;
        self.notice = None;
    }

    pub(super) fn view(&self) -> View {
        self.view
    }

    pub(super) fn tab(&self) -> Option<&Tab> {
        self.tabs.get(self.current)
    }

    pub(super) fn place(&self) -> Place {
        self.tab().map_or(Place::Tail, |tab| tab.place)
    }

    pub(super) fn set_place(&mut self, place: Place) {
        if let Some(tab) = self.tabs.get_mut(self.current) {
            tab.place = place;
        }
    }

    /// Rows of the current log.
    pub(super) fn total(&self) -> u64 {
        self.tab()
            .and_then(|tab| tab.status)
            .map_or(0, |status| status.rows)
    }

    pub(super) fn height(&self) -> usize {
        usize::from(self.size.1)
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            width: usize::from(self.size.0).max(1),
            wrap: self.wrap,
            left: self.left,
        }
    }

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
    pub(super) fn wish(&self) -> Request {
        let height = self.height().max(1) as u64;
        let wanted = match self.place() {
            Place::Tail => Wanted::Tail(2 * height),
            Place::At { top, .. } => Wanted::Rows {
                first: top.row.saturating_sub(height),
                count: 3 * height,
            },
        };
        Request::Show {
            view: self.view,
            source: self.current,
            wanted,
            clip: self.clip(),
        }
    }

    fn wish_if_shown(&self) -> Vec<Request> {
        if self.tabs.is_empty() {
            Vec::new()
        } else {
            vec![self.wish()]
        }
    }

    /// Whether the rows that the place needs are here.
    fn covers_place(&self) -> bool {
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
        for row in &mut self.rows {
            let Some(line) = self.window.lines.get(row.line) else {
                continue;
            };
            row.hits = match self.find.pattern() {
                Some(pattern) => pattern
                    .matches(&line.text)
                    .map(|hit| hit.start.max(row.part.start)..hit.end.min(row.part.end))
                    .filter(|hit| !hit.is_empty())
                    .collect(),
                None => Vec::new(),
            };
            let errors = self.errors.as_ref().filter(|_| line.kind != LineKind::Gap);
            row.error = errors.is_some_and(|errors| errors.matches(&line.text).next().is_some());
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

    /// In one or two words, what the pane is doing, and how to get back to the tail.
    pub(super) fn state_words(&self) -> String {
        let Some(tab) = self.tab() else {
            return "no logs yet".to_owned();
        };
        let status = tab.status.unwrap_or_default();
        if status.missing && status.rows == 0 {
            return "waiting for the file".to_owned();
        }
        if status.indexed < status.len && status.len > CLIP.end().saturating_mul(8) as u64 {
            return format!("reading {} %", status.indexed * 100 / status.len);
        }
        let ended = self.subject.as_ref().is_some_and(|subject| subject.ended);
        match tab.place {
            Place::Tail if ended => "ended".to_owned(),
            Place::Tail => "following".to_owned(),
            Place::At { since, .. } => match status.rows.saturating_sub(since) {
                0 => "paused".to_owned(),
                1 => "paused · 1 new line".to_owned(),
                new => format!("paused · {} new lines", grouped(new)),
            },
        }
    }
}

/// A number with its thousands set apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
