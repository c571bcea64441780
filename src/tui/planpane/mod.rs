//! The plan pane: what a row would deploy, or how two rows differ, on the whole screen.
//!
//! Like the log pane it is a model that keys change and [`draw`] only reads. What it shows was made elsewhere, is all
//! here, and does not change; so searching and scrolling need nobody else, and a frame costs what is on screen, however
//! long the text is.

mod difference;
mod find;
mod highlight;
mod lines;
mod parts;
mod plan;
mod scroll;
mod tree;
mod view;
mod wrapped;

pub(crate) use view::draw;

use super::action::{Action, Context};
use super::keys::Key;
use super::plans::{Answer, Found, Query, Question};
use crate::logs::Direction;
use difference::Difference;
use find::{Find, Typed};
use lines::Lines;
use plan::{Place, Plan};
use ratatui::layout::{Position, Rect};
use scroll::Scroll;

/// What came of the question.
#[derive(Debug, Clone, PartialEq)]
enum Content {
    /// Nothing yet.
    Awaited,
    /// There is nothing to show, and this is why.
    Failed(String, Scroll),
    Plan(Box<Plan>),
    Difference(Box<Difference>),
}

/// Whether an action meant something to the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Yes,
    /// It has to be closed.
    Close,
    /// It is nothing for the pane.
    No,
}

/// The pane's model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanPane {
    query: Query,
    content: Content,
    area: Rect,
    find: Find,
}

impl PlanPane {
    /// A pane that waits for the answer to this.
    pub(crate) fn new(query: Query) -> Self {
        Self {
            query,
            content: Content::Awaited,
            area: Rect::default(),
            find: Find::default(),
        }
    }

    pub(crate) fn question(&self) -> Question {
        self.query.question
    }

    /// Take in what was found, unless it is the answer to another question.
    pub(crate) fn take(&mut self, answer: Answer) {
        if answer.id != self.query.id {
            return;
        }
        self.content = match answer.result {
            Ok(Found::Plan(view)) => Content::Plan(Box::new(Plan::new(view))),
            Ok(Found::Difference(view)) => Content::Difference(Box::new(Difference::new(view))),
            Err(why) => Content::Failed(why, Scroll::default()),
        };
        self.settle();
    }

    /// The pane is drawn into this area.
    pub(crate) fn resize(&mut self, area: Rect) {
        if self.area != area {
            self.area = area;
            self.settle();
        }
    }

    fn settle(&mut self) {
        match &mut self.content {
            Content::Plan(plan) => plan.settle(self.area),
            Content::Difference(difference) => difference.settle(self.area),
            Content::Awaited | Content::Failed(..) => {}
        }
    }

    /// Whether there is something to look at, and not only that it is awaited, or why it is not there.
    pub(crate) fn is_shown(&self) -> bool {
        matches!(self.content, Content::Plan(_) | Content::Difference(_))
    }

    /// What keys mean here.
    pub(crate) fn context(&self) -> Context {
        match self.query.question {
            Question::Plan(_) => Context::Plan,
            Question::Difference(..) => Context::Difference,
        }
    }

    /// Whether a search is being typed, so that keys are text.
    pub(crate) fn is_typing(&self) -> bool {
        self.find.typed().is_some()
    }

    /// A key while a search is being typed.
    pub(crate) fn key(&mut self, key: Key) {
        let typed = self.find.key(key);
        self.typed(typed);
    }

    /// Text pasted while a search is being typed.
    pub(crate) fn paste(&mut self, text: &str) {
        let typed = self.find.paste(text);
        self.typed(typed);
    }

    fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Nothing => {}
            Typed::Back(place) => self.go_back(place),
            Typed::Next => self.seek(Direction::Forward, false),
            Typed::Anew(place) => {
                self.go_back(place);
                if self.find.pattern().is_some() {
                    self.seek(Direction::Forward, true);
                }
            }
        }
        self.settle();
    }

    /// Do what the operator asked for.
    pub(crate) fn act(&mut self, action: Action) -> Done {
        self.find.hush();
        let done = match action {
            Action::Quit => Done::Close,
            Action::Back => self.back(),
            Action::Search => {
                if let Some(place) = self.place() {
                    self.find.begin(place);
                }
                Done::Yes
            }
            Action::NextMatch => self.next_match(Direction::Forward),
            Action::PreviousMatch => self.next_match(Direction::Backward),
            action => {
                let area = self.area;
                let acted = match &mut self.content {
                    Content::Plan(plan) => plan.act(action, area),
                    Content::Difference(difference) => difference.act(action, area),
                    Content::Failed(why, scroll) => {
                        let rows = view::failure(why, area).len();
                        scroll.read(action, rows, view::failure_area(area).height.into())
                    }
                    Content::Awaited => false,
                };
                if acted { Done::Yes } else { Done::No }
            }
        };
        self.settle();
        done
    }

    fn back(&mut self) -> Done {
        if self.find.clear() {
            match &mut self.content {
                Content::Plan(plan) => plan.forget_mark(),
                Content::Difference(difference) => difference.scroll.mark = None,
                Content::Awaited | Content::Failed(..) => {}
            }
            return Done::Yes;
        }
        let went_out = match &mut self.content {
            Content::Plan(plan) => plan.go_out(self.area),
            Content::Awaited | Content::Failed(..) | Content::Difference(_) => false,
        };
        if went_out { Done::Yes } else { Done::Close }
    }

    fn place(&self) -> Option<Place> {
        match &self.content {
            Content::Plan(plan) => Some(plan.place()),
            Content::Difference(difference) => Some(difference.place()),
            Content::Awaited | Content::Failed(..) => None,
        }
    }

    fn go_back(&mut self, place: Place) {
        match &mut self.content {
            Content::Plan(plan) => plan.go_back(place),
            Content::Difference(difference) => difference.scroll = place.scroll,
            Content::Awaited | Content::Failed(..) => {}
        }
    }

    fn next_match(&mut self, direction: Direction) -> Done {
        if self.find.pattern().is_none() {
            self.find.say("nothing to search for yet: / asks");
        } else {
            self.seek(direction, false);
        }
        Done::Yes
    }

    /// Go to the next match of the search in force.
    fn seek(&mut self, direction: Direction, typing: bool) {
        let Some(pattern) = self.find.pattern().cloned() else {
            return;
        };
        let area = self.area;
        let (lines, from): (&Lines, usize) = match &self.content {
            Content::Plan(plan) => (&plan.lines, plan.search_from(direction, typing, area)),
            Content::Difference(difference) => (
                difference.lines(),
                difference.search_from(direction, typing, area),
            ),
            Content::Awaited | Content::Failed(..) => return,
        };
        let Some((line, wrapped)) = lines.find(&pattern, from, direction) else {
            self.find.say(format!("no match for {}", pattern.source()));
            return;
        };
        if wrapped && !typing {
            self.find.say("went on from the other end");
        }
        match &mut self.content {
            Content::Plan(plan) => plan.show(line, area),
            Content::Difference(difference) => difference.show(line, area),
            Content::Awaited | Content::Failed(..) => {}
        }
    }

    /// The mouse was pressed.
    pub(crate) fn press(&mut self, at: Position) {
        self.find.hush();
        if let Content::Plan(plan) = &mut self.content {
            plan.press(at, self.area);
        }
        self.settle();
    }

    /// The wheel was turned by a line, or to the side.
    pub(crate) fn turn(&mut self, at: Position, action: Action) {
        let area = self.area;
        match &mut self.content {
            Content::Plan(plan) => plan.turn(at, action, area),
            Content::Difference(difference) => {
                difference.act(action, area);
            }
            Content::Awaited | Content::Failed(..) => {}
        }
        self.settle();
    }
}
