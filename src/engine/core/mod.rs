//! The pure core: what ought to be under way, from the state alone.
//!
//! [`next_action`] is asked after every record. It knows no clock, no disk and no platform, so a resume is no special
//! case: the journal is replayed, the core is asked, and work that was under way is issued again under its recorded
//! name. [`decide()`] turns commands into events, [`Turn`] carries the little that is between two records.

mod decide;
mod policy;
mod queue;
mod turn;

pub use decide::decide;
pub use policy::{MAX_LOSSES, stopped_at_first_error};
pub use queue::queue;
pub use turn::{Finished, Step, Turn, Work, obsolete};

use super::command::StopMode;
use super::event::{Event, Mode, PhaseKind, Scope};
use super::executor::StackRef;
use super::state::{CellStatus, StackState, State};
use crate::experiment::{CellId, SetupId};

/// What ought to be under way.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nothing, until a command comes.
    Wait,
    /// Nothing outside: record these consequences of what happened, then ask again.
    Record(Vec<Event>),
    /// A phase of a row's stack.
    Phase {
        /// Whose phase.
        stack: StackRef,
        /// Standup, smoketest or teardown.
        phase: PhaseKind,
        /// Whether its start is on record: then it is the same work again, after a crash.
        recorded: bool,
    },
    /// An attempt of a cell.
    Attempt {
        /// The cell.
        cell: CellId,
        /// From 1.
        attempt: u32,
        /// The stack it runs on.
        stack: StackRef,
        /// Its recorded name: then it is the same attempt again, after a crash. `None` for a new attempt.
        experiment_id: Option<String>,
    },
    /// End everything at once, then end the sweep.
    Abandon,
    /// Nothing is left to do: end the sweep, or wait for an operator who may want more.
    End,
}

/// What ought to be under way in `state`.
pub fn next_action(state: &State) -> Action {
    let Some(opened) = state.opened.as_deref() else {
        return Action::Wait;
    };
    match state.mode {
        Mode::Ended => return Action::Wait,
        Mode::Stopping(StopMode::Now) => return Action::Abandon,
        _ => {}
    }
    let consequences = policy::consequences(state, opened);
    if !consequences.is_empty() {
        return Action::Record(consequences);
    }
    if state.mode == Mode::Ready && !is_cancelling(state) {
        return Action::Wait;
    }
    if let Some(action) = under_way(state) {
        return action;
    }
    match state.mode {
        Mode::Running => schedule(state, opened.skip_teardown),
        Mode::Stopping(_) => wind_down(state, opened.skip_teardown),
        _ => Action::Wait,
    }
}

/// Whether something of the sweep is still to run: then its end is a stop, not a completion.
pub(super) fn work_left(state: &State) -> bool {
    [CellStatus::Pending, CellStatus::Running, CellStatus::Interrupted]
        .iter()
        .any(|status| state.counts.of(*status) > 0)
}

/// What is under way by the records, after a crash perhaps in the records only.
fn under_way(state: &State) -> Option<Action> {
    if let Some(cell) = running_cell(state) {
        let attempt = state.cell(cell)?.attempts.last()?;
        return Some(Action::Attempt {
            cell,
            attempt: attempt.number,
            stack: StackRef {
                setup: cell.setup,
                generation: attempt.generation,
            },
            experiment_id: Some(attempt.experiment_id.clone()),
        });
    }
    rows(state).find_map(|(stack, row)| match row {
        StackState::Changing { phase, .. } => Some(Action::Phase {
            stack,
            phase: *phase,
            recorded: true,
        }),
        _ => None,
    })
}

/// Whether an attempt's end was asked for; that does not wait for the sweep's start.
fn is_cancelling(state: &State) -> bool {
    running_cell(state)
        .and_then(|cell| state.cell(cell)?.attempts.last())
        .is_some_and(|attempt| attempt.cancelling)
}

/// The cell with an attempt under way; there is at most one.
fn running_cell(state: &State) -> Option<CellId> {
    if state.counts.of(CellStatus::Running) == 0 {
        return None;
    }
    let running = |cell: &CellId| {
        state
            .cell(*cell)
            .is_some_and(|cell| cell.status == CellStatus::Running)
    };
    match state.activity.map(|activity| activity.scope) {
        Some(Scope::Attempt { cell, .. }) if running(&cell) => Some(cell),
        _ => state
            .iter_cells()
            .find(|(_, cell)| cell.status == CellStatus::Running)
            .map(|(id, _)| id),
    }
}

fn rows(state: &State) -> impl Iterator<Item = (StackRef, &StackState)> {
    state.setups.iter().zip(0..).map(|(row, index)| {
        let stack = StackRef {
            setup: SetupId(index),
            generation: row.generation,
        };
        (stack, &row.stack)
    })
}

/// The stack that is not down; by the scheduling rules there is at most one.
fn live(state: &State) -> Option<(StackRef, &StackState)> {
    rows(state).find(|(_, stack)| **stack != StackState::Down)
}

fn begin(stack: StackRef, phase: PhaseKind) -> Action {
    Action::Phase {
        stack,
        phase,
        recorded: false,
    }
}

/// Row after row, cell after cell. A stack goes down when its row has nothing in the queue any more, or is broken.
fn schedule(state: &State, skip_teardown: bool) -> Action {
    let Some((stack, condition)) = live(state) else {
        return match queue::next_row(state) {
            Some(setup) => begin(next_generation(state, setup), PhaseKind::Standup),
            None => Action::End,
        };
    };
    match (queue::next_in_row(state, stack.setup), condition) {
        (Some(_), StackState::Unverified) => begin(stack, PhaseKind::Smoketest),
        (Some(cell), StackState::Up) => new_attempt(state, cell, stack),
        (None, _) if skip_teardown && queue::next_row(state).is_none() => Action::End,
        _ => begin(stack, PhaseKind::Teardown),
    }
}

fn wind_down(state: &State, skip_teardown: bool) -> Action {
    match live(state) {
        Some((stack, _)) if !skip_teardown => begin(stack, PhaseKind::Teardown),
        _ => Action::End,
    }
}

fn next_generation(state: &State, setup: SetupId) -> StackRef {
    let last = state.setup(setup).map_or(0, |row| row.generation);
    StackRef {
        setup,
        generation: last.saturating_add(1),
    }
}

fn new_attempt(state: &State, cell: CellId, stack: StackRef) -> Action {
    let last = state
        .cell(cell)
        .and_then(|cell| cell.attempts.last())
        .map_or(0, |attempt| attempt.number);
    Action::Attempt {
        cell,
        attempt: last.saturating_add(1),
        stack,
        experiment_id: None,
    }
}

/// Whether a stack of the sweep may be up, or an attempt running, by the records.
pub(super) fn is_live(state: &State) -> bool {
    running_cell(state).is_some() || state.setups.iter().any(|row| row.stack != StackState::Down)
}

#[cfg(test)]
mod tests;
