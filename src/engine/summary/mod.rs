//! Summaries of a sweep: `experiment-summary.yaml` for programs, and a text for people. Both are made from the state
//! alone, so they can be made again from the journal.

mod file;
mod text;

pub use file::yaml;
pub use text::text;

use super::event::{Mode, PhaseKind};
use super::state::{AttemptState, CellState, CellStatus, SetupState, State};
use crate::experiment::SetupId;

/// What became of a row, in the reference's words and one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowStatus {
    /// Nothing of it has ended, or all of it was skipped.
    NotReached,
    /// Cells of it have ended, others are still to run, now or after a resume.
    InProgress,
    /// All its cells that were not skipped succeeded.
    Success,
    /// The phase that failed.
    Failed(PhaseKind),
}

impl RowStatus {
    fn of(state: &State, setup: SetupId, row: &SetupState) -> Self {
        let cells = state.row(setup);
        let count = |wanted: &[CellStatus]| cells.iter().filter(|cell| wanted.contains(&cell.status)).count();
        let ahead = count(&[CellStatus::Pending, CellStatus::Running]);
        let succeeded = count(&[CellStatus::Succeeded]);
        let skipped = count(&[CellStatus::Skipped]);
        let attempted = cells.iter().any(|cell| !cell.attempts.is_empty());
        if ahead + skipped == cells.len() && !attempted {
            return Self::NotReached;
        }
        let unfinished = ahead + count(&[CellStatus::Interrupted]);
        let trouble = cells.len() - unfinished - succeeded - skipped;
        if unfinished > 0 && (state.mode != Mode::Ended || trouble == 0) {
            return Self::InProgress;
        }
        if succeeded > 0 && succeeded + skipped == cells.len() {
            return match row.failed_phase {
                Some(PhaseKind::Teardown) => Self::Failed(PhaseKind::Teardown),
                _ => Self::Success,
            };
        }
        match row.failed_phase {
            Some(phase @ (PhaseKind::Standup | PhaseKind::Smoketest)) if count(&[CellStatus::NotRun]) > 0 => {
                Self::Failed(phase)
            }
            _ => Self::Failed(PhaseKind::Run),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::NotReached => "not_reached",
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failed(PhaseKind::Standup) => "failed_standup",
            Self::Failed(PhaseKind::Smoketest) => "failed_smoketest",
            Self::Failed(PhaseKind::Run) => "failed_run",
            Self::Failed(PhaseKind::Teardown) => "failed_teardown",
        }
    }
}

impl CellStatus {
    /// The word programs and people read.
    fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Suspect => "suspect",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::NotRun => "not_run",
        }
    }
}

/// Seconds an ended attempt took.
fn attempt_seconds(attempt: &AttemptState) -> f64 {
    attempt.ended_at.map_or(0.0, |end| {
        end.duration_since(attempt.started_at).as_secs_f64().max(0.0)
    })
}

fn cell_seconds(cell: &CellState) -> f64 {
    cell.attempts.iter().map(attempt_seconds).sum()
}

/// Seconds spent on a row: its phases and its attempts, not the time in which nothing was done.
fn row_seconds(state: &State, setup: SetupId, row: &SetupState) -> f64 {
    row.busy_seconds + state.row(setup).iter().map(cell_seconds).sum::<f64>()
}

fn rows(state: &State) -> impl Iterator<Item = (SetupId, &SetupState)> {
    state
        .setups
        .iter()
        .zip(0..)
        .map(|(row, index)| (SetupId(index), row))
}

#[cfg(test)]
mod tests;
