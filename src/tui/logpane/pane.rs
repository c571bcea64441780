//! The pane's model, and how it keeps the rows it shows up to date.

use super::layout::{ScreenRow, Shape};
use super::search::Find;
use crate::engine::Scope;
use crate::logs::{
    DEFAULT_ERROR_PATTERN, LineKind, Pattern, Request, Source, SourceStatus, Update, View, Window,
};

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
    /// Whether the pane is on screen; only then rows are asked for, and so files looked at.
    visible: bool,
    view: View,
    pub(super) tabs: Vec<Tab>,
    pub(super) current: usize,
    /// Whether the operator chose the current log.
    pub(super) chosen: bool,
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
            visible: true,
            view: View::default(),
            tabs: Vec::new(),
            current: 0,
            chosen: false,
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
            self.chosen = false;
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
        requests.extend(self.wish());
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

    /// Whether the pane is on screen. While it is not, no file is looked at.
    pub fn set_visible(&mut self, visible: bool) -> Vec<Request> {
        if std::mem::replace(&mut self.visible, visible) == visible {
            return Vec::new();
        }
        if visible { self.wish() } else { vec![Request::Hide] }
    }

    /// There is room for so many columns and lines of text (see [`text_size`](super::text_size)).
    pub fn resize(&mut self, size: (u16, u16)) -> Vec<Request> {
        if self.size == size {
            return Vec::new();
        }
        self.size = size;
        // Always ask: what was fetched for another height is too little or too much.
        self.settle();
        self.wish()
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
        if let Some(tab) = self.telling_tab() {
            return self.open_tab(tab);
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
            self.wish()
        } else {
            Vec::new()
        }
    }

    /// The log to go to by itself, where the one on screen ended without any text and nobody chose it: one with text, or
    /// one that nobody has looked into yet.
    fn telling_tab(&self) -> Option<usize> {
        let rows = |tab: &Tab| tab.status.map(|status| status.rows);
        if self.chosen || !self.has_ended() || rows(self.tab()?) != Some(0) {
            return None;
        }
        let mut tabs = self.tabs.iter();
        tabs.position(|tab| rows(tab) != Some(0))
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

    /// Whether nothing more will be written.
    pub(super) fn has_ended(&self) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.ended)
    }

    pub(super) fn is_visible(&self) -> bool {
        self.visible
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
}
