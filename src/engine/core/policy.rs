//! What follows from a failure, by the experiment's rules: retry, stop the row, stop the sweep.
//!
//! Consequences are asked for until there are none: each leaves the state in a condition in which it does not follow
//! again, so that an engine that dies between two of them goes on with the second.

use super::queue::pending_of_row;
use crate::engine::command::StopMode;
use crate::engine::event::{Event, Failure, Mode, Outcome, SweepOpened};
use crate::engine::state::{AttemptState, CellState, CellStatus, State, Unsettled};
use crate::experiment::{CellId, SetupId};

/// Stacks of one row that may be lost in a row, without a success in between, before its cells are given up. Also
/// the number of attempts of one cell that may get lost before it is left to the operator.
pub const MAX_LOSSES: u32 = 3;

/// Ends the reason of a stop by `--stop-on-error`.
const FIRST_ERROR: &str = "the sweep stops at the first error";

/// Whether the sweep's own rule stopped it, rather than an operator who would be told that it was interrupted.
pub fn stopped_at_first_error(state: &State) -> bool {
    state.mode_reason.ends_with(FIRST_ERROR)
}

/// What follows from what went wrong last; empty when nothing does, or all is on record.
pub(super) fn consequences(state: &State, opened: &SweepOpened) -> Vec<Event> {
    match state.unsettled {
        None => Vec::new(),
        Some(Unsettled::Attempt(cell)) => of_attempt(state, opened, cell),
        Some(Unsettled::Standup(setup)) => {
            let failure = stack_failure(state, setup);
            give_up_row(state, opened, setup, &failure)
        }
        Some(Unsettled::Loss(setup)) => {
            let losses = state.setup(setup).map_or(0, |row| row.losses);
            if losses < MAX_LOSSES {
                return Vec::new();
            }
            let last = stack_failure(state, setup);
            let failure = Failure {
                reason: format!("the stack was lost {losses} times in a row: {}", last.reason),
                hint: last.hint,
            };
            give_up_row(state, opened, setup, &failure)
        }
    }
}

fn stack_failure(state: &State, setup: SetupId) -> Failure {
    state
        .setup(setup)
        .and_then(|row| row.failure.clone())
        .unwrap_or_else(|| Failure::new("the stack failed"))
}

fn of_attempt(state: &State, opened: &SweepOpened, id: CellId) -> Vec<Event> {
    let Some(cell) = state.cell(id) else {
        return Vec::new();
    };
    let again = || {
        vec![Event::CellsQueued {
            cells: vec![id],
            automatic: true,
        }]
    };
    match cell.status {
        CellStatus::Failed if failures_in_round(cell) < opened.policy.treatment_max_attempts.get() => again(),
        CellStatus::Failed => {
            let mut events = Vec::new();
            if opened.policy.treatment_stop_on_error {
                let name = opened.runs.get(id.run.index()).map_or("", |info| &info.name);
                let failure = Failure::new(format!("the row was stopped, because `{name}` failed"))
                    .with_hint("retry the cell, or run without `treatment_stop_on_error`");
                events.extend(not_run(state, id.setup, &failure));
            }
            events.extend(stop_on_error(state, opened, || format!("cell {id} failed")));
            events
        }
        CellStatus::Interrupted if lost_in_round(cell) < MAX_LOSSES => again(),
        _ => Vec::new(),
    }
}

fn give_up_row(state: &State, opened: &SweepOpened, setup: SetupId, failure: &Failure) -> Vec<Event> {
    let name = opened.setups.get(setup.index()).map_or("", |info| &info.name);
    let mut events: Vec<Event> = not_run(state, setup, failure).into_iter().collect();
    events.extend(stop_on_error(state, opened, || {
        format!("the stack of `{name}` failed")
    }));
    events
}

fn not_run(state: &State, setup: SetupId, failure: &Failure) -> Option<Event> {
    let cells: Vec<CellId> = pending_of_row(state, setup).collect();
    (!cells.is_empty()).then(|| Event::CellsNotRun {
        cells,
        failure: failure.clone(),
    })
}

fn stop_on_error(state: &State, opened: &SweepOpened, what: impl FnOnce() -> String) -> Option<Event> {
    (opened.stop_on_error && state.mode == Mode::Running).then(|| Event::ModeChanged {
        mode: Mode::Stopping(StopMode::Finish),
        reason: format!("{}, and {FIRST_ERROR}", what()),
    })
}

/// The attempts since the operator last asked for the cell, newest first.
fn round(cell: &CellState) -> impl Iterator<Item = &AttemptState> {
    let mut over = false;
    cell.attempts.iter().rev().take_while(move |attempt| {
        let was_over = over;
        over = attempt.first_of_round;
        !was_over
    })
}

fn failures_in_round(cell: &CellState) -> u32 {
    round(cell)
        .filter(|attempt| matches!(attempt.outcome, Some(Outcome::Failed { .. })))
        .count() as u32
}

fn lost_in_round(cell: &CellState) -> u32 {
    round(cell)
        .filter(|attempt| matches!(attempt.outcome, Some(Outcome::Interrupted)))
        .count() as u32
}
