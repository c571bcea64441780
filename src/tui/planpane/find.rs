//! Searching in a text that is all here: what is typed, and what is told about it.

use super::plan::Place;
use crate::logs::Pattern;
use crate::tui::input::Input;
use crate::tui::keys::Key;

/// A search that is being typed, and what to go back to when it is given up.
#[derive(Debug, Clone, PartialEq)]
struct Typing {
    input: Input,
    place: Place,
    pattern: Option<Pattern>,
}

/// The search of the pane.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Find {
    pattern: Option<Pattern>,
    typing: Option<Typing>,
    notice: Option<String>,
}

/// What a key made of the search.
pub(super) enum Typed {
    /// Nothing to be done.
    Nothing,
    /// Search anew, from this place.
    Anew(Place),
    /// Go on to the next match.
    Next,
    /// Go back to this place.
    Back(Place),
}

impl Find {
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }

    pub(super) fn typed(&self) -> Option<&Input> {
        self.typing.as_ref().map(|typing| &typing.input)
    }

    pub(super) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    pub(super) fn say(&mut self, notice: impl Into<String>) {
        self.notice = Some(notice.into());
    }

    pub(super) fn hush(&mut self) {
        self.notice = None;
    }

    /// Give up the search in force; false if there is none.
    pub(super) fn clear(&mut self) -> bool {
        self.pattern.take().is_some()
    }

    pub(super) fn begin(&mut self, place: Place) {
        self.typing = Some(Typing {
            input: Input::default(),
            place,
            pattern: self.pattern.take(),
        });
    }

    /// A key while a search is being typed.
    pub(super) fn key(&mut self, key: Key) -> Typed {
        self.notice = None;
        match key {
            Key::Enter => self.keep(),
            Key::Esc => self.give_up(),
            _ => {
                let typed = self.typing.as_mut().is_some_and(|typing| typing.input.key(key));
                if typed { self.anew() } else { Typed::Nothing }
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Typed {
        let Some(typing) = &mut self.typing else {
            return Typed::Nothing;
        };
        typing.input.insert(text);
        self.anew()
    }

    fn anew(&mut self) -> Typed {
        let Some(typing) = &self.typing else {
            return Typed::Nothing;
        };
        self.pattern = Pattern::new(&typing.input.text());
        Typed::Anew(typing.place.clone())
    }

    fn keep(&mut self) -> Typed {
        let Some(typing) = self.typing.take() else {
            return Typed::Nothing;
        };
        if typing.input.text().is_empty() {
            // Enter on nothing repeats the last search, as in logs.
            self.pattern = typing.pattern;
            return if self.pattern.is_some() {
                Typed::Next
            } else {
                Typed::Nothing
            };
        }
        if self.pattern.as_ref().is_some_and(Pattern::is_literal) {
            self.say("not a regular expression: searched for as it stands");
        }
        Typed::Nothing
    }

    fn give_up(&mut self) -> Typed {
        let Some(typing) = self.typing.take() else {
            return Typed::Nothing;
        };
        self.pattern = typing.pattern;
        Typed::Back(typing.place)
    }
}
