//! Moving about: the cursor in the grid, marks, panes, the details.

use super::command;
use crate::engine::{AttemptState, Scope, StatusFilter};
use crate::experiment::{CellId, RunId, SetupId};
use crate::tui::action::Action;
use crate::tui::layout::{Areas, Geometry, inside};
use crate::tui::model::{Focus, Model};
use crate::tui::view;

pub(super) fn act(model: &mut Model, action: Action) {
    match action {
        Action::NextPane => next_pane(model, 1),
        Action::PreviousPane => next_pane(model, 3),
        Action::NextVital => {
            model.vital = model.vital.next();
            model.say(format!("cells show: {}", model.vital.title()));
        }
        Action::Follow => follow(model),
        Action::Mark => {
            let cells = command::under_cursor(model);
            mark(model, &cells);
        }
        Action::MarkRow => {
            let cells = command::line(model, model.cursor.setup, None);
            mark(model, &cells);
        }
        Action::MarkColumn => {
            let cells = command::line(model, None, model.cursor.run);
            mark(model, &cells);
        }
        Action::MarkFailed => mark_failed(model),
        Action::OlderAttempt => step_attempt(model, 1),
        Action::NewerAttempt => step_attempt(model, -1),
        _ if model.focus == Focus::Detail => scroll_detail(model, action),
        _ => move_cursor(model, action),
    }
}

impl Model {
    /// The attempt that details and logs are about.
    pub(crate) fn shown_attempt(&self, cell: CellId) -> Option<&AttemptState> {
        let attempts = &self.state.cell(cell)?.attempts;
        let last = attempts.len().checked_sub(1)?;
        attempts.get(last.saturating_sub(self.attempts_back))
    }
}

/// Go round among the panes that are on screen, or are there behind the grid on a small one.
fn next_pane(model: &mut Model, step: usize) {
    let order = [Focus::Grid, Focus::Detail, Focus::Logs, Focus::AppLog];
    let at = order.iter().position(|focus| *focus == model.focus).unwrap_or(0);
    let areas = Areas::of(model);
    let under = model.lower.focus();
    let is_there = |focus: &Focus| *focus == Focus::Grid || *focus == under || !areas.pane(*focus).is_empty();
    let next = (1..order.len()).filter_map(|by| order.get((at + by * step) % order.len()));
    if let Some(focus) = next.copied().find(is_there) {
        model.focus = focus;
        model.full_screen = false;
    }
}

fn follow(model: &mut Model) {
    model.follow = true;
    match model.scope() {
        Some(Scope::Attempt { cell, .. }) => {
            model.cursor.setup = Some(cell.setup);
            model.cursor.run = Some(cell.run);
            model.attempts_back = 0;
            model.say("the cursor goes along with the running cell until you move it");
        }
        Some(Scope::Phase { setup, .. }) => {
            model.cursor.setup = Some(setup);
            model.say("no cell is running: a stack is being changed; the cursor will go along");
        }
        None => model.say("nothing is running; the cursor will go to the next cell that does"),
    }
}

/// Mark these cells; if all of them are marked already, unmark them.
fn mark(model: &mut Model, cells: &[CellId]) {
    if cells.iter().all(|cell| model.marks.contains(cell)) {
        for cell in cells {
            model.marks.remove(cell);
        }
    } else {
        model.marks.extend(cells.iter().copied());
    }
}

fn mark_failed(model: &mut Model) {
    let failed: Vec<CellId> = model
        .state
        .iter_cells()
        .filter(|(id, cell)| {
            StatusFilter::Unsuccessful.matches(cell.status) && model.filter.matches(*id, cell.status)
        })
        .map(|(id, _)| id)
        .collect();
    match failed.len() {
        0 => model.say("no cell has failed"),
        1 => model.say("1 cell is marked: r runs it again"),
        count => model.say(format!("{count} cells are marked: r runs them again")),
    }
    if !failed.is_empty() {
        model.marks = failed.into_iter().collect();
    }
}

fn step_attempt(model: &mut Model, back: isize) {
    let attempts = model
        .cursor
        .cell()
        .and_then(|cell| model.state.cell(cell))
        .map_or(0, |cell| cell.attempts.len());
    let last = attempts.saturating_sub(1);
    let stepped = model.attempts_back.min(last).saturating_add_signed(back);
    model.attempts_back = stepped.min(last);
    model.detail_scroll = 0;
    if attempts < 2 {
        model.say("there is no other attempt of this cell");
    }
}

fn scroll_detail(model: &mut Model, action: Action) {
    let page = inside(Areas::of(model).detail).height.saturating_sub(1).max(1);
    let most = view::detail_height(model).saturating_sub(page);
    let scroll = model.detail_scroll;
    let scroll = match action {
        Action::Up => scroll.saturating_sub(1),
        Action::Down => scroll.saturating_add(1),
        Action::PageUp => scroll.saturating_sub(page),
        Action::PageDown => scroll.saturating_add(page),
        Action::Top => 0,
        Action::Bottom => most,
        _ => scroll,
    };
    model.detail_scroll = scroll.min(most);
}

/// Positions of the cursor among what is shown; `None` for a header.
fn positions(model: &Model) -> (Option<usize>, Option<usize>) {
    let row = model.cursor.setup.and_then(|setup| model.rows.nearest(setup.0));
    let column = model.cursor.run.and_then(|run| model.columns.nearest(run.0));
    (row, column)
}

fn move_cursor(model: &mut Model, action: Action) {
    let page = Geometry::of(model, Areas::of(model).grid).rows.max(1);
    let (row, column) = positions(model);
    let last_row = model.rows.len().saturating_sub(1);
    let last_column = model.columns.len().saturating_sub(1);
    let forward = |from: Option<usize>, by: usize, last: usize| {
        let to = from.map_or(by - 1, |from| from + by);
        Some(to.min(last))
    };
    let (row, column) = match action {
        Action::Up => (row.and_then(|row| row.checked_sub(1)), column),
        Action::Down => (forward(row, 1, last_row), column),
        Action::PageUp => (row.map(|row| row.saturating_sub(page)), column),
        Action::PageDown => (forward(row, page, last_row), column),
        Action::Left => (row, column.and_then(|column| column.checked_sub(1))),
        Action::Right => (row, forward(column, 1, last_column)),
        Action::Top => (Some(0), column),
        Action::Bottom => (Some(last_row), column),
        Action::Home if column == Some(0) => (row, None),
        Action::Home => (row, Some(0)),
        Action::End => (row, Some(last_column)),
        _ => return,
    };
    go_to(model, row, column);
}

/// Put the cursor on these positions among what is shown.
pub(super) fn go_to(model: &mut Model, row: Option<usize>, column: Option<usize>) {
    if model.rows.len() == 0 || model.columns.len() == 0 {
        return;
    }
    model.follow = false;
    model.attempts_back = 0;
    model.detail_scroll = 0;
    model.cursor.setup = row.and_then(|row| model.rows.at(row)).map(SetupId);
    model.cursor.run = column.and_then(|column| model.columns.at(column)).map(RunId);
}

/// Scroll as little as it takes to have the cursor on screen, and not beyond the end.
pub(super) fn bring_into_sight(model: &mut Model) {
    // What the filter hides cannot be under the cursor.
    if let Some(setup) = model.cursor.setup.filter(|setup| !model.rows.contains(setup.0)) {
        let nearest = model.rows.nearest(setup.0).and_then(|row| model.rows.at(row));
        model.cursor.setup = nearest.map(SetupId).or(model.cursor.setup);
    }
    if let Some(run) = model.cursor.run.filter(|run| !model.columns.contains(run.0)) {
        let nearest = model.columns.nearest(run.0);
        let nearest = nearest.and_then(|column| model.columns.at(column));
        model.cursor.run = nearest.map(RunId).or(model.cursor.run);
    }
    let grid = Areas::of(model).grid;
    if grid.is_empty() {
        // It is shown again where it was.
        return;
    }
    let geometry = Geometry::of(model, grid);
    let (row, column) = positions(model);
    model.scroll = (
        scrolled(model.scroll.0, row, geometry.rows, model.rows.len()),
        scrolled(model.scroll.1, column, geometry.columns, model.columns.len()),
    );
}

fn scrolled(first: usize, cursor: Option<usize>, fit: usize, count: usize) -> usize {
    let fit = fit.max(1);
    let first = match cursor {
        Some(cursor) if cursor < first => cursor,
        Some(cursor) if cursor >= first + fit => cursor + 1 - fit,
        // On a header what is in sight stays in sight.
        Some(_) | None => first,
    };
    first.min(count.saturating_sub(fit))
}
