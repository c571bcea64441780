//! The mouse: what it points at has the keyboard, what it presses is chosen, its wheel scrolls.

use super::{Effect, Mouse, Wheel, navigate, overlay};
use crate::tui::action::Action;
use crate::tui::keys::Key;
use crate::tui::layout::{Areas, Geometry};
use crate::tui::logpane::Act;
use crate::tui::model::{Focus, Model};
use crate::tui::overlay::Overlay;
use crate::tui::view;
use ratatui::layout::{Position, Rect};

/// Lines per notch of the wheel.
const NOTCH: usize = 3;

pub(super) fn mouse(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    match mouse {
        Mouse::Press(x, y) => press(model, Position::new(x, y)),
        Mouse::Wheel(x, y, wheel) => turn(model, Position::new(x, y), wheel),
    }
}

fn press(model: &mut Model, at: Position) -> Vec<Effect> {
    model.message = None;
    if let Some(over) = model.overlay.take() {
        return press_overlay(model, over, at);
    }
    if let Some(plan) = &mut model.plan {
        plan.press(at);
        return Vec::new();
    }
    let areas = Areas::of(model);
    let Some(focus) = pane_at(&areas, at) else {
        return Vec::new();
    };
    let had_it = model.focus == focus;
    model.focus = focus;
    if focus == Focus::Grid {
        return press_grid(model, areas.grid, at, had_it);
    }
    Vec::new()
}

/// Outside of a dialog nothing happens: a slip of the hand is no answer.
fn press_overlay(model: &mut Model, over: Overlay, at: Position) -> Vec<Effect> {
    let Overlay::Dialog(dialog) = over else {
        return Vec::new();
    };
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    if let Some(chosen) = view::choice_at(&dialog, screen, at) {
        return overlay::decide(model, &dialog, chosen);
    }
    model.overlay = Some(Overlay::Dialog(dialog));
    Vec::new()
}

fn press_grid(model: &mut Model, grid: Rect, at: Position, had_it: bool) -> Vec<Effect> {
    let geometry = Geometry::of(model, grid);
    if !geometry.inner.contains(at) {
        return Vec::new();
    }
    let row =
        at.y.checked_sub(geometry.first_row())
            .map(|line| model.scroll.0 + usize::from(line));
    let column =
        at.x.checked_sub(geometry.first_column())
            .map(|offset| model.scroll.1 + usize::from(offset / geometry.cell_width.max(1)));
    let beyond = row.is_some_and(|row| row >= model.rows.len())
        || column.is_some_and(|column| column >= model.columns.len());
    if beyond {
        return Vec::new();
    }
    let before = model.cursor;
    navigate::go_to(model, row, column);
    // A second press on the same place opens it, as Enter does.
    let again = had_it && before == model.cursor;
    if again && (model.cursor.is_row_header() || !Areas::of(model).detail.is_empty()) {
        return super::open(model);
    }
    Vec::new()
}

fn turn(model: &mut Model, at: Position, wheel: Wheel) -> Vec<Effect> {
    if let Some(over) = model.overlay.take() {
        // The wheel is as good as the arrows, and no answer to a question.
        let key = match wheel {
            Wheel::Up => Key::Up,
            Wheel::Down => Key::Down,
            Wheel::Left | Wheel::Right => {
                model.overlay = Some(over);
                return Vec::new();
            }
        };
        return overlay::key(model, over, key);
    }
    if let Some(plan) = &mut model.plan {
        for _ in 0..NOTCH {
            plan.turn(at, step(wheel));
        }
        return Vec::new();
    }
    let Some(pane) = pane_at(&Areas::of(model), at) else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    for _ in 0..NOTCH {
        match pane {
            Focus::Logs => {
                let act = match wheel {
                    Wheel::Up => Act::Up,
                    Wheel::Down => Act::Down,
                    Wheel::Left => Act::Left,
                    Wheel::Right => Act::Right,
                };
                effects.extend(model.logs.act(act).into_iter().map(Effect::Logs));
            }
            Focus::Grid | Focus::Detail => {
                scroll_pane(model, pane, step(wheel));
            }
            Focus::AppLog => break,
        }
    }
    effects
}

/// The step that a notch of the wheel is several of.
fn step(wheel: Wheel) -> Action {
    match wheel {
        Wheel::Up => Action::Up,
        Wheel::Down => Action::Down,
        Wheel::Left => Action::Left,
        Wheel::Right => Action::Right,
    }
}

/// Scroll a pane that may not have the keyboard. In the grid the wheel moves among cells and stops before the headers.
fn scroll_pane(model: &mut Model, pane: Focus, action: Action) {
    let before = (model.focus, model.cursor);
    model.focus = pane;
    navigate::act(model, action);
    model.focus = before.0;
    let onto_header = (before.1.setup.is_some() && model.cursor.setup.is_none())
        || (before.1.run.is_some() && model.cursor.run.is_none());
    if onto_header {
        model.cursor = before.1;
    }
}

fn pane_at(areas: &Areas, at: Position) -> Option<Focus> {
    [Focus::Grid, Focus::Detail, Focus::Logs, Focus::AppLog]
        .into_iter()
        .find(|focus| areas.pane(*focus).contains(at))
}
