//! Searching and jumping: what is typed, what was asked of the reader, and where its answers lead.

use super::pane::{LogPane, Place, Position};
use crate::logs::{Direction, Pattern, Request};
use crate::tui::input::Input;
use crate::tui::keys::Key;

/// What a request that is under way looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sought {
    Match,
    Error,
}

/// A search that is being typed, and what to go back to when it is given up.
#[derive(Debug, Clone, PartialEq)]
struct Typing {
    input: Input,
    place: Place,
    mark: Option<u64>,
    pattern: Option<Pattern>,
}

/// The search of the pane.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Find {
    pattern: Option<Pattern>,
    typing: Option<Typing>,
    /// The request under way and what it is for.
    asked: Option<(u64, Sought)>,
    /// Identifies requests, so that the answer to an old one is not taken for that to a new one.
    last_id: u64,
}

impl Find {
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }

    pub(super) fn typed(&self) -> Option<&Input> {
        self.typing.as_ref().map(|typing| &typing.input)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.asked.is_some()
    }

    /// Take no answer to what was asked; says whether something was.
    pub(super) fn forget_request(&mut self) -> bool {
        self.asked.take().is_some()
    }
}

impl LogPane {
    /// Whether a search is being typed, so that keys are text.
    pub fn is_typing(&self) -> bool {
        self.find.typing.is_some()
    }

    /// Whether a search is in force, which `esc` gives up before it does anything else.
    pub fn has_search(&self) -> bool {
        self.find.pattern.is_some()
    }

    /// A key while a search is being typed.
    pub fn key(&mut self, key: Key) -> Vec<Request> {
        self.notice = None;
        match key {
            Key::Enter => self.end_typing(),
            Key::Esc | Key::Ctrl('c') => self.abort_typing(),
            _ => {
                let Some(typing) = &mut self.find.typing else {
                    return Vec::new();
                };
                if typing.input.key(key) {
                    self.search_as_typed()
                } else {
                    Vec::new()
                }
            }
        }
    }

    /// Text pasted while a search is being typed.
    pub fn paste(&mut self, text: &str) -> Vec<Request> {
        let Some(typing) = &mut self.find.typing else {
            return Vec::new();
        };
        typing.input.insert(text);
        self.search_as_typed()
    }

    pub(super) fn begin_typing(&mut self) -> Vec<Request> {
        self.find.typing = Some(Typing {
            input: Input::default(),
            place: self.place(),
            mark: self.mark,
            pattern: self.find.pattern.take(),
        });
        self.settle();
        Vec::new()
    }

    fn end_typing(&mut self) -> Vec<Request> {
        let Some(typing) = self.find.typing.take() else {
            return Vec::new();
        };
        if typing.input.text().is_empty() {
            // Enter on nothing repeats the last search, as in `less`.
            self.find.pattern = typing.pattern;
            self.settle();
            return if self.has_search() {
                self.next_match()
            } else {
                Vec::new()
            };
        }
        if self.find.pattern.as_ref().is_some_and(Pattern::is_literal) {
            self.notice = Some("not a regular expression: searched for as it stands".to_owned());
        }
        Vec::new()
    }

    fn abort_typing(&mut self) -> Vec<Request> {
        let Some(typing) = self.find.typing.take() else {
            return Vec::new();
        };
        self.find.pattern = typing.pattern;
        self.mark = typing.mark;
        self.set_place(typing.place);
        self.find.forget_request();
        self.settle();
        let mut requests = vec![Request::CancelSearch];
        requests.extend(self.wish());
        requests
    }

    pub(super) fn clear_search(&mut self) -> Vec<Request> {
        self.find.pattern = None;
        self.mark = None;
        self.settle();
        if self.find.forget_request() {
            vec![Request::CancelSearch]
        } else {
            Vec::new()
        }
    }

    /// Each change of the text searches anew, from where the typing began.
    fn search_as_typed(&mut self) -> Vec<Request> {
        let Some(typing) = &self.find.typing else {
            return Vec::new();
        };
        let (place, mark) = (typing.place, typing.mark);
        self.find.pattern = Pattern::new(&typing.input.text());
        self.settle();
        let Some(pattern) = self.find.pattern.clone() else {
            self.mark = mark;
            self.set_place(place);
            self.find.forget_request();
            self.settle();
            let mut requests = vec![Request::CancelSearch];
            requests.extend(self.wish());
            return requests;
        };
        // Who follows the end wants the newest match; who reads somewhere wants the next one.
        let request = match place {
            Place::Tail => self.seek(pattern, self.total(), Direction::Backward, Sought::Match),
            Place::At { top, .. } => self.seek(pattern, top.row, Direction::Forward, Sought::Match),
        };
        vec![request]
    }

    pub(super) fn next_match(&mut self) -> Vec<Request> {
        self.seek_pattern(Direction::Forward)
    }

    pub(super) fn previous_match(&mut self) -> Vec<Request> {
        self.seek_pattern(Direction::Backward)
    }

    fn seek_pattern(&mut self, direction: Direction) -> Vec<Request> {
        let Some(pattern) = self.find.pattern.clone() else {
            self.notice = Some("nothing to search for yet: / asks".to_owned());
            return Vec::new();
        };
        vec![self.seek_from_mark(pattern, direction, Sought::Match)]
    }

    pub(super) fn next_error(&mut self) -> Vec<Request> {
        self.seek_error(Direction::Forward)
    }

    pub(super) fn previous_error(&mut self) -> Vec<Request> {
        self.seek_error(Direction::Backward)
    }

    fn seek_error(&mut self, direction: Direction) -> Vec<Request> {
        match self.errors.clone() {
            Some(pattern) => vec![self.seek_from_mark(pattern, direction, Sought::Error)],
            None => Vec::new(),
        }
    }

    /// From the row last jumped to while it is on screen, else from what is on screen.
    fn seek_from_mark(&mut self, pattern: Pattern, direction: Direction, sought: Sought) -> Request {
        let mark = self.mark.filter(|mark| self.is_on_screen(*mark));
        let from = match (mark, direction) {
            (Some(mark), Direction::Forward) => mark + 1,
            (Some(mark), Direction::Backward) => mark,
            // Below the end there is nothing: forward begins at the start then, backward at the end.
            (None, _) if self.place() == Place::Tail => self.total(),
            (None, _) => self.top().row,
        };
        self.seek(pattern, from, direction, sought)
    }

    fn seek(&mut self, pattern: Pattern, from: u64, direction: Direction, sought: Sought) -> Request {
        self.find.last_id += 1;
        self.find.asked = Some((self.find.last_id, sought));
        Request::Search {
            view: self.view(),
            source: self.current,
            pattern,
            from,
            direction,
            id: self.find.last_id,
        }
    }

    /// The reader's answer.
    pub(super) fn found(&mut self, id: u64, row: Option<u64>, wrapped: bool) -> Vec<Request> {
        let Some((_, sought)) = self.find.asked.take_if(|(asked, _)| *asked == id) else {
            return Vec::new();
        };
        let Some(row) = row else {
            self.notice = Some(match (sought, &self.find.pattern) {
                (Sought::Match, Some(pattern)) => format!("no match for {}", pattern.source()),
                _ => "no line looks like an error".to_owned(),
            });
            return Vec::new();
        };
        if wrapped && !self.is_typing() {
            self.notice = Some("went on from the other end".to_owned());
        }
        self.mark = Some(row);
        if self.is_on_screen(row) {
            return self.go_to(self.top());
        }
        // A third of the screen shows what led there. Wrapped, that could take the whole screen.
        let context = if self.wrap { 0 } else { self.height() as u64 / 3 };
        self.go_to(Position {
            row: row.saturating_sub(context),
            part: 0,
        })
    }

    fn is_on_screen(&self, row: u64) -> bool {
        self.rows
            .iter()
            .any(|shown| self.window.first + shown.line as u64 == row)
    }
}
