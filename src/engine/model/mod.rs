//! Model tests: the engine's own core and journal, driven without a clock, a disk or a runtime, in a world that can be
//! stopped and copied between any two things that happen in it.
//!
//! - `disk` loses what was not synced, in any order of its sectors, and can be full;
//! - `world` is the platform: stacks and jobs outlive the engine, and it minds what it is asked for;
//! - `engine` is the driver's loop, step by step;
//! - `crash`, `steering` and `totality` are the tests.

mod crash;
mod disk;
mod engine;
mod steering;
mod totality;
mod world;

use super::{CellStatus, StackState, State};
use crate::experiment::SetupId;

/// What is true of the state of a sweep at any time.
fn check(state: &State) {
    for status in CellStatus::ALL {
        let count = state.cells.iter().filter(|cell| cell.status == status).count();
        assert_eq!(state.counts.of(status) as usize, count, "count of {status:?}");
    }
    let live: Vec<usize> = (0..state.setups.len())
        .filter(|index| state.setups[*index].stack != StackState::Down)
        .collect();
    assert!(live.len() <= 1, "stacks of several rows: {live:?}");
    let running: Vec<_> = state
        .iter_cells()
        .filter(|(_, cell)| cell.status == CellStatus::Running)
        .map(|(id, _)| id)
        .collect();
    assert!(running.len() <= 1, "several cells at once: {running:?}");
    for cell in running {
        assert_eq!(
            state.setup(cell.setup).unwrap().stack,
            StackState::Up,
            "{cell} on a stack that is not up"
        );
    }
    for (id, cell) in state.iter_cells() {
        let open = cell
            .attempts
            .iter()
            .filter(|attempt| attempt.outcome.is_none())
            .count();
        assert_eq!(
            open,
            usize::from(cell.status == CellStatus::Running),
            "open attempts of {id}"
        );
        let numbers: Vec<u32> = cell.attempts.iter().map(|attempt| attempt.number).collect();
        let expected: Vec<u32> = (1..=numbers.len() as u32).collect();
        assert_eq!(numbers, expected, "attempts of {id}");
    }
    for cell in &state.priority {
        assert_eq!(
            state.cell(*cell).unwrap().status,
            CellStatus::Pending,
            "{cell} has priority"
        );
    }
    let queue = super::core::queue(state);
    assert_eq!(queue.len() as u32, state.counts.of(CellStatus::Pending));
    for setup in 0..state.setups.len() as u32 {
        let queued = queue.iter().any(|cell| cell.setup == SetupId(setup));
        assert_eq!(queued, state.has_pending(SetupId(setup)));
    }
}
