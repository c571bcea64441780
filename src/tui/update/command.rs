//! What is asked of the engine, and what of the operator before.

use super::Effect;
use crate::engine::{CellStatus, Command, Mode, Selection, StackState, StatusFilter};
use crate::experiment::{CellId, RunId, SetupId};
use crate::tui::model::Model;
use crate::tui::overlay::{Choice, Decision, Deed, Dialog, Overlay};
use crate::tui::theme::status_word;
use std::collections::BTreeSet;

pub(super) fn start(model: &mut Model) -> Vec<Effect> {
    match model.state.mode {
        Mode::Ready | Mode::Paused => return vec![Effect::Command(Command::Start)],
        Mode::Running if model.is_done() => model.complain("all is done; r runs selected cells again"),
        Mode::Running => model.complain("the sweep is running already; p pauses it"),
        Mode::Stopping(_) | Mode::Ended => too_late(model),
    }
    Vec::new()
}

pub(super) fn pause(model: &mut Model) -> Vec<Effect> {
    match model.state.mode {
        Mode::Running => return vec![Effect::Command(Command::Pause)],
        Mode::Paused => return vec![Effect::Command(Command::Start)],
        Mode::Ready => model.complain("the sweep has not started; s starts it"),
        Mode::Stopping(_) | Mode::Ended => too_late(model),
    }
    Vec::new()
}

fn too_late(model: &mut Model) {
    model.complain("the sweep is at its end; leave with q, and go on later with --resume");
}

/// Skipping and unskipping share a key: pending cells are skipped first.
pub(super) fn skip(model: &mut Model) -> Vec<Effect> {
    let target = target(model);
    let pending = fitting(model, &target, Deed::Skip);
    if !pending.is_empty() {
        return ask(model, Deed::Skip, &target, pending);
    }
    let skipped = fitting(model, &target, Deed::Unskip);
    ask(model, Deed::Unskip, &target, skipped)
}

/// Of several cells only those without a result to trust: a whole row is rarely meant to be measured anew.
pub(super) fn retry(model: &mut Model) -> Vec<Effect> {
    let target = target(model);
    let mut cells = fitting(model, &target, Deed::Retry);
    if target.len() > 1 {
        let unsuccessful = |cell: &CellId| {
            model
                .status(*cell)
                .is_some_and(|status| StatusFilter::Unsuccessful.matches(status))
        };
        cells.retain(unsuccessful);
    }
    ask(model, Deed::Retry, &target, cells)
}

/// What needs no thought beyond whether it fits.
pub(super) fn plainly(model: &mut Model, deed: Deed) -> Vec<Effect> {
    let target = target(model);
    let cells = fitting(model, &target, deed);
    ask(model, deed, &target, cells)
}

/// The cells that a command is about: the marked ones, or what the cursor stands for.
fn target(model: &Model) -> Vec<CellId> {
    if model.marks.is_empty() {
        under_cursor(model)
    } else {
        model.marks.iter().copied().collect()
    }
}

/// The cell, row, column or everything that the cursor stands for, as far as the filter shows it.
pub(super) fn under_cursor(model: &Model) -> Vec<CellId> {
    line(model, model.cursor.setup, model.cursor.run)
}

/// The cells of a row, of a column, at a crossing, or all, as far as the filter shows them.
pub(super) fn line(model: &Model, setup: Option<SetupId>, run: Option<RunId>) -> Vec<CellId> {
    let rows = match setup {
        Some(SetupId(row)) => row..row + 1,
        None => 0..model.state.setups.len() as u32,
    };
    let columns = match run {
        Some(RunId(column)) => column..column + 1,
        None => 0..model.state.runs,
    };
    rows.flat_map(|row| columns.clone().map(move |column| CellId::new(row, column)))
        .filter(|cell| model.matches(*cell))
        .collect()
}

fn fitting(model: &Model, cells: &[CellId], deed: Deed) -> Vec<CellId> {
    let fits = |cell: &CellId| model.status(*cell).is_some_and(|status| deed.fits(status));
    cells.iter().copied().filter(fits).collect()
}

/// Do it, ask first where something is lost or much is done, or say why it cannot be done.
fn ask(model: &mut Model, deed: Deed, target: &[CellId], cells: Vec<CellId>) -> Vec<Effect> {
    if matches!(model.state.mode, Mode::Stopping(_) | Mode::Ended) {
        too_late(model);
        return Vec::new();
    }
    let Some(first) = cells.first() else {
        let reason = nothing_to_do(model, deed, target);
        model.complain(reason);
        return Vec::new();
    };
    let succeeded = model.status(*first) == Some(CellStatus::Succeeded);
    let harmless = match deed {
        Deed::Unskip | Deed::RunNext => true,
        Deed::Skip => cells.len() == 1,
        Deed::Retry => cells.len() == 1 && !succeeded,
        Deed::Cancel => false,
    };
    if harmless {
        return carry_out(model, deed, &cells);
    }
    let dialog = question(model, deed, target, cells);
    model.overlay = Some(Overlay::Dialog(dialog));
    Vec::new()
}

/// Send the command, about those of the cells that it still makes sense for.
pub(super) fn carry_out(model: &mut Model, deed: Deed, cells: &[CellId]) -> Vec<Effect> {
    let cells = fitting(model, cells, deed);
    if cells.is_empty() {
        model.complain("the sweep went on in the meantime: there is nothing left to do this to");
        return Vec::new();
    }
    model.marks.clear();
    let cells = Selection::Cells(cells);
    vec![Effect::Command(match deed {
        Deed::Skip => Command::Skip { cells },
        Deed::Unskip => Command::Unskip { cells },
        Deed::Retry => Command::Retry { cells },
        Deed::Cancel => Command::Cancel { cells },
        Deed::RunNext => Command::RunNext { cells },
    })]
}

fn nothing_to_do(model: &Model, deed: Deed, target: &[CellId]) -> String {
    let why = match deed {
        Deed::Skip | Deed::Unskip => "only pending cells can be skipped",
        Deed::Retry if target.len() > 1 => "of several, only cells without a result to trust are run again",
        Deed::Retry => "only ended cells can be run again",
        Deed::Cancel => "only running and pending cells can be cancelled",
        Deed::RunNext => "only pending cells can be run next",
    };
    match target {
        [] => "nothing is selected: no cell matches the filter".to_owned(),
        [cell] => {
            let status = model.status(*cell).map_or("unknown", status_word);
            format!("cell {} is {status}: {why}", model.cell_name(*cell))
        }
        cells => format!("none of the {} selected cells qualifies: {why}", cells.len()),
    }
}

fn question(model: &Model, deed: Deed, target: &[CellId], cells: Vec<CellId>) -> Dialog {
    let (title, verb) = match deed {
        Deed::Skip => ("Skip", "Skip"),
        Deed::Unskip => ("Unskip", "Put back"),
        Deed::Retry => ("Retry", "Run again"),
        Deed::Cancel => ("Cancel", "Cancel"),
        Deed::RunNext => ("Run next", "Run next"),
    };
    let mut text = vec![format!("{verb} {}?", count(model, &cells))];
    let running = |cell: &&CellId| model.status(**cell) == Some(CellStatus::Running);
    let running = cells.iter().filter(running).count();
    match deed {
        Deed::Cancel => {
            if running > 0 {
                text.push(
                    "The running attempt ends now. Its logs are kept, its results do not count.".to_owned(),
                );
            }
            if cells.len() > running {
                text.push("Pending cells leave the queue as cancelled; r puts them back.".to_owned());
            }
        }
        Deed::Skip => text.push("They leave the queue; S puts them back.".to_owned()),
        Deed::Retry => text.push(retry_cost(model, &cells)),
        Deed::Unskip | Deed::RunNext => {}
    }
    match target.len() - cells.len() {
        0 => {}
        1 => text.push("One other selected cell is left as it is.".to_owned()),
        others => text.push(format!("{others} other selected cells are left as they are.")),
    }
    let choice = |key, label: &str, decision| Choice {
        key,
        label: label.to_owned(),
        decision,
    };
    Dialog {
        title: title.to_owned(),
        text,
        choices: vec![
            choice('y', verb, Decision::Do(deed, cells)),
            choice('n', "No", Decision::Stay),
        ],
        // Enter alone destroys nothing.
        selected: usize::from(deed == Deed::Cancel),
    }
}

/// How many stacks have to be stood up for it: what a retry really costs.
fn retry_cost(model: &Model, cells: &[CellId]) -> String {
    let rows: BTreeSet<SetupId> = cells.iter().map(|cell| cell.setup).collect();
    let is_down = |row: &&SetupId| {
        model
            .state
            .setup(**row)
            .is_some_and(|row| row.stack != StackState::Up)
    };
    let stacks = match (rows.iter().filter(is_down).count(), cells.len()) {
        (0, _) => "the stack for it is up",
        (1, _) => "one stack has to be stood up for it",
        (many, _) => return format!("Earlier attempts are kept; {many} stacks have to be stood up for it."),
    };
    format!("Earlier attempts are kept; {stacks}.")
}

/// `cell 2×3`, `17 failed cells`, `17 cells`.
fn count(model: &Model, cells: &[CellId]) -> String {
    if let [cell] = cells {
        return format!("cell {}", model.cell_name(*cell));
    }
    let statuses: BTreeSet<_> = cells.iter().filter_map(|cell| model.status(*cell)).collect();
    let mut words = statuses.into_iter().map(status_word);
    match (words.next(), words.next()) {
        (Some(word), None) => format!("{} {word} cells", cells.len()),
        _ => format!("{} cells", cells.len()),
    }
}
