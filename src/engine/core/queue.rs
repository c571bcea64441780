//! The order of what is still to run.
//!
//! Rows in design order, columns in design order inside a row. Cells the operator moved to the head come first inside
//! their row, and their rows come first among the rows; but a stack that is up finishes its own row before another
//! one is stood up, because standups are what a sweep pays for.

use crate::engine::state::{CellStatus, StackState, State};
use crate::experiment::{CellId, RunId, SetupId};
use std::collections::HashSet;

fn pending(state: &State, cell: CellId) -> bool {
    state
        .cell(cell)
        .is_some_and(|cell| cell.status == CellStatus::Pending)
}

/// The row whose stack is stood up next, when none is up.
pub(super) fn next_row(state: &State) -> Option<SetupId> {
    if state.counts.of(CellStatus::Pending) == 0 {
        return None;
    }
    let first = state.priority.iter().find(|cell| pending(state, **cell));
    first.map(|cell| cell.setup).or_else(|| {
        state
            .iter_cells()
            .find(|(_, cell)| cell.status == CellStatus::Pending)
            .map(|(id, _)| id.setup)
    })
}

/// The cell of this row that runs next.
pub(super) fn next_in_row(state: &State, setup: SetupId) -> Option<CellId> {
    if state.counts.of(CellStatus::Pending) == 0 {
        return None;
    }
    state
        .priority
        .iter()
        .copied()
        .find(|cell| cell.setup == setup && pending(state, *cell))
        .or_else(|| pending_of_row(state, setup).next())
}

/// Cells of a row that are in the queue, in design order.
pub(super) fn pending_of_row(state: &State, setup: SetupId) -> impl Iterator<Item = CellId> {
    state
        .row(setup)
        .iter()
        .zip(0..)
        .filter(|(cell, _)| cell.status == CellStatus::Pending)
        .map(move |(_, run)| CellId {
            setup,
            run: RunId(run),
        })
}

/// All cells that are still to run, in the order in which they will, as far as nothing goes wrong.
pub fn queue(state: &State) -> Vec<CellId> {
    let head: Vec<CellId> = state
        .priority
        .iter()
        .copied()
        .filter(|cell| pending(state, *cell))
        .collect();
    let live = state
        .setups
        .iter()
        .position(|row| row.stack != StackState::Down)
        .map(|index| SetupId(index as u32));
    let rows = live
        .into_iter()
        .chain(head.iter().map(|cell| cell.setup))
        .chain((0..state.setups.len()).map(|index| SetupId(index as u32)));
    let in_head: HashSet<CellId> = head.iter().copied().collect();
    let mut seen = HashSet::new();
    let mut queue = Vec::with_capacity(state.counts.of(CellStatus::Pending) as usize);
    for row in rows.filter(|row| seen.insert(*row)) {
        if in_head.is_empty() {
            queue.extend(pending_of_row(state, row));
        } else {
            queue.extend(head.iter().filter(|cell| cell.setup == row));
            queue.extend(pending_of_row(state, row).filter(|cell| !in_head.contains(cell)));
        }
    }
    queue
}
