//! What becomes of the state when a sweep is opened, or opened again with an edited design.

use super::super::event::{Scope, SweepOpened};
use super::{Activity, CellState, CellStatus, SetupState, State};
use crate::experiment::{CellId, RunId, SetupId};
use jiff::Timestamp;
use std::collections::HashMap;

/// Where rows and columns of the old design went in the new one; `None` for what is gone or has changed.
struct Moves {
    rows: Vec<Option<u32>>,
    columns: Vec<Option<u32>>,
}

impl Moves {
    fn between(old: &SweepOpened, new: &SweepOpened) -> Self {
        let find = |old: &[super::super::TreatmentInfo], new: &[super::super::TreatmentInfo]| {
            let places: HashMap<_, u32> = new
                .iter()
                .zip(0..)
                .map(|(info, index)| ((info.name.as_str(), info.fingerprint.as_str()), index))
                .collect();
            old.iter()
                .map(|info| {
                    places
                        .get(&(info.name.as_str(), info.fingerprint.as_str()))
                        .copied()
                })
                .collect()
        };
        Self {
            rows: find(&old.setups, &new.setups),
            columns: find(&old.runs, &new.runs),
        }
    }

    fn row(&self, setup: SetupId) -> Option<SetupId> {
        self.rows.get(setup.index()).copied().flatten().map(SetupId)
    }

    fn cell(&self, cell: CellId) -> Option<CellId> {
        let run = self.columns.get(cell.run.index()).copied().flatten()?;
        Some(CellId {
            setup: self.row(cell.setup)?,
            run: RunId(run),
        })
    }
}

impl State {
    /// The first opening fills the state; a later one brings an edited design: cells whose row and column kept name
    /// and fingerprint keep their fate, all others start anew.
    pub(super) fn open(&mut self, opened: &SweepOpened, at: Timestamp) {
        let before = std::mem::take(self);
        self.seq = before.seq;
        self.opened_at = before.opened_at.or(Some(at));
        self.updated_at = before.updated_at;
        self.mode = before.mode;
        self.runs = opened.runs.len() as u32;
        self.setups = vec![SetupState::default(); opened.setups.len()];
        self.cells = vec![CellState::default(); opened.setups.len() * opened.runs.len()];
        if let Some(old) = &before.opened {
            self.keep_rows(&before, old, opened);
            self.keep_cells(&before, &Moves::between(old, opened));
        }
        self.notices = before.notices;
        self.opened = Some(Box::new(opened.clone()));
        for index in 0..self.cells.len() {
            let status = self.cells[index].status;
            self.counts.moved(None, status);
        }
    }

    /// Unchanged rows keep their stacks. Changed ones keep counting their generations under the same name, because
    /// folders and processes are named by them.
    fn keep_rows(&mut self, before: &State, old: &SweepOpened, new: &SweepOpened) {
        let old_rows: HashMap<&str, usize> = old
            .setups
            .iter()
            .zip(0..)
            .map(|(info, index)| (info.name.as_str(), index))
            .collect();
        for (info, state) in new.setups.iter().zip(&mut self.setups) {
            let Some(&index) = old_rows.get(info.name.as_str()) else {
                continue;
            };
            let (Some(was), Some(was_info)) = (before.setups.get(index), old.setups.get(index)) else {
                continue;
            };
            if was_info.fingerprint == info.fingerprint {
                state.clone_from(was);
            } else {
                state.generation = was.generation;
                state.busy_seconds = was.busy_seconds;
            }
        }
    }

    fn keep_cells(&mut self, before: &State, moves: &Moves) {
        for (id, old) in before.iter_cells() {
            let place = moves.cell(id).and_then(|cell| self.cell_index(cell));
            if let Some(cell) = place.and_then(|index| self.cells.get_mut(index)) {
                cell.clone_from(old);
            }
        }
        self.priority = before
            .priority
            .iter()
            .filter_map(|cell| moves.cell(*cell))
            .filter(|cell| {
                self.cell(*cell)
                    .is_some_and(|cell| cell.status == CellStatus::Pending)
            })
            .collect();
        self.activity = before.activity.and_then(|activity| {
            let scope = match activity.scope {
                Scope::Phase {
                    setup,
                    generation,
                    phase,
                } => Scope::Phase {
                    setup: moves.row(setup)?,
                    generation,
                    phase,
                },
                Scope::Attempt { cell, attempt } => Scope::Attempt {
                    cell: moves.cell(cell)?,
                    attempt,
                },
            };
            Some(Activity {
                scope,
                since: activity.since,
            })
        });
    }
}
