//! What an operator (or a policy) may ask of the engine.

#![allow(
    missing_docs,
    reason = "the fields of a variant are told by the variant's own sentence"
)]

use super::state::CellStatus;
use crate::experiment::{CellId, RunId, SetupId};
use serde::{Deserialize, Serialize};

/// A request to the engine. It may be refused; what happens is told by events alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Start, or go on after a pause.
    Start,
    /// Let the running cell finish, then wait.
    Pause,
    /// Do not run these pending cells.
    Skip { cells: Selection },
    /// Put skipped cells back into the queue.
    Unskip { cells: Selection },
    /// Run these ended cells again, each as a further attempt.
    Retry { cells: Selection },
    /// End the running attempt of these cells now; pending ones among them become cancelled.
    Cancel { cells: Selection },
    /// Put these pending cells (and so their setups) at the head of the queue, in this order.
    RunNext { cells: Selection },
    /// End the sweep; it can be resumed.
    Stop { mode: StopMode },
}

/// How a sweep is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMode {
    /// Let the running cell finish, tear the stack down, end.
    Finish,
    /// Cancel the running cell cleanly, tear the stack down, end (first Ctrl-C).
    Graceful,
    /// End at once: kill what runs, collect nothing more (second Ctrl-C).
    Now,
}

/// Which cells a command is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Exactly these.
    Cells(Vec<CellId>),
    /// Whole rows.
    Setups(Vec<SetupId>),
    /// Whole columns.
    Runs(Vec<RunId>),
    /// All cells in one of these conditions.
    Status(StatusFilter),
    /// Every cell.
    All,
}

/// Conditions by which cells are selected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusFilter {
    /// Failed, suspect, not run, interrupted or cancelled: all that ended without a result to trust.
    Unsuccessful,
    /// Failed only.
    Failed,
    /// Still to run.
    Pending,
    /// Skipped.
    Skipped,
}

impl StatusFilter {
    /// Whether a cell in `status` is meant.
    pub fn matches(self, status: CellStatus) -> bool {
        match self {
            Self::Unsuccessful => matches!(
                status,
                CellStatus::Failed
                    | CellStatus::Suspect
                    | CellStatus::NotRun
                    | CellStatus::Interrupted
                    | CellStatus::Cancelled
            ),
            Self::Failed => status == CellStatus::Failed,
            Self::Pending => status == CellStatus::Pending,
            Self::Skipped => status == CellStatus::Skipped,
        }
    }
}

/// Why a command was not taken. Shown to the operator as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{reason}")]
pub struct Refusal {
    /// One sentence: what cannot be done and what could be done instead.
    pub reason: String,
}
