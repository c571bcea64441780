//! The state of a sweep: a fold over its events, shared by the engine, the screens, the summary and resume.
//!
//! The types are here; `apply.rs` holds the fold, `reopen.rs` what becomes of it when the design changes.

#![allow(
    missing_docs,
    reason = "the fields of a variant are told by the variant's own sentence"
)]

mod apply;
mod reopen;

use super::event::{Failure, LogSource, Mode, Outcome, PhaseKind, Scope, StepOutcome, SweepOpened};
use crate::experiment::{CellId, RunId, SetupId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a cell is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellStatus {
    /// In the queue.
    #[default]
    Pending,
    /// An attempt is under way.
    Running,
    /// Its last attempt succeeded, honestly.
    Succeeded,
    /// Its last attempt left results that cannot be trusted.
    Suspect,
    /// Its last attempt failed and none is left.
    Failed,
    /// The operator took it out of the queue.
    Skipped,
    /// The operator ended it.
    Cancelled,
    /// A stop ended it; resume runs it again.
    Interrupted,
    /// Its stack did not come up or was lost, or a policy stopped its row.
    NotRun,
}

impl CellStatus {
    /// Every status, in the order of a cell's life.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Suspect,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
        Self::Interrupted,
        Self::NotRun,
    ];
}

/// The whole sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    /// What the sweep is about; `None` before the first record.
    pub opened: Option<Box<SweepOpened>>,
    /// Sequence number of the last applied record.
    pub seq: u64,
    /// When the sweep was first opened.
    pub opened_at: Option<Timestamp>,
    /// When the last record was made.
    pub updated_at: Option<Timestamp>,
    /// What the operator wants.
    pub mode: Mode,
    /// Why `mode` is what it is.
    pub mode_reason: String,
    /// Rows, in design order.
    pub setups: Vec<SetupState>,
    /// Cells, row by row: `setup * runs + run`.
    pub cells: Vec<CellState>,
    /// Number of columns.
    pub runs: u32,
    /// Cells moved to the head of the queue, first to run first; the rest follow in design order.
    pub priority: Vec<CellId>,
    /// What is under way: at most one thing, by the scheduling rules.
    pub activity: Option<Activity>,
    /// Counts per status, kept by `apply` so that no screen has to walk a million cells.
    pub counts: Counts,
    /// Notices for the operator, newest last, bounded.
    pub notices: Vec<(Timestamp, String)>,
    /// What went wrong last, until its consequences (retry, not run, stop) are on record: so that they are drawn
    /// exactly once, also when the engine dies between the two.
    pub unsettled: Option<Unsettled>,
}

/// An end that may have consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsettled {
    /// An attempt of this cell failed or was lost.
    Attempt(CellId),
    /// The standup or smoketest of this row failed.
    Standup(SetupId),
    /// The stack of this row was lost.
    Loss(SetupId),
}

/// How many cells are in each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    counts: [u32; CellStatus::ALL.len()],
}

impl Counts {
    /// How many cells are in `status`.
    pub fn of(&self, status: CellStatus) -> u32 {
        self.counts[status as usize]
    }

    pub(super) fn moved(&mut self, from: Option<CellStatus>, to: CellStatus) {
        if let Some(from) = from {
            self.counts[from as usize] -= 1;
        }
        self.counts[to as usize] += 1;
    }
}

/// A row: a setup treatment and its stack.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SetupState {
    /// Standups so far.
    pub generation: u32,
    /// The stack now.
    pub stack: StackState,
    /// Where the current stack answers, once its standup succeeded.
    pub endpoint: Option<String>,
    /// Times in a row that a stack of this row was lost without a success in between.
    pub losses: u32,
    /// Why the stack last failed, until a later standup succeeds.
    pub failure: Option<Failure>,
    /// What failed then: a phase, or `run` for a stack that was lost.
    pub failed_phase: Option<PhaseKind>,
    /// Steps of the row's phases in the current generation, in order of start.
    pub steps: Vec<StepState>,
    /// Logs of the stack in the current generation.
    pub logs: Vec<LogSource>,
    /// Time spent in phases of this row, over all generations.
    pub busy_seconds: f64,
}

/// What is known of a row's stack.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StackState {
    /// Nothing is deployed.
    #[default]
    Down,
    /// A phase is under way (or was, when the engine died).
    Changing { phase: PhaseKind, since: Timestamp },
    /// Standup is done; smoketest still has to pass.
    Unverified,
    /// It answers and is what was planned.
    Up,
    /// It failed or was lost, and has still to be torn down.
    Broken,
}

/// A cell. Small where nothing happened yet, because designs may have a million.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CellState {
    /// Where the cell is in its life.
    pub status: CellStatus,
    /// Attempts, oldest first; all are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptState>,
    /// Whether its place in the queue is a retry by policy: the attempt then counts with the round before it.
    pub automatic: bool,
    /// Why the cell was not run, when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_run: Option<Box<Failure>>,
}

/// One attempt of a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptState {
    /// From 1.
    pub number: u32,
    /// Which standup of the row it ran on.
    pub generation: u32,
    /// Names its result folders.
    pub experiment_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Whether its automatic retries are counted from here on (an operator's retry starts the count anew).
    pub first_of_round: bool,
    /// Whether its cancellation was asked for.
    pub cancelling: bool,
    /// Its steps, in order of start.
    pub steps: Vec<StepState>,
    /// Its logs.
    pub logs: Vec<LogSource>,
}

/// One step, as shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepState {
    /// Phase the step belongs to.
    pub phase: PhaseKind,
    /// Its number in the phase's table.
    pub number: u8,
    /// Its name in the phase's table.
    pub name: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<StepOutcome>,
}

/// What the engine is doing, as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Activity {
    /// The phase or attempt under way.
    pub scope: Scope,
    /// Since when.
    pub since: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        Self {
            opened: None,
            seq: 0,
            opened_at: None,
            updated_at: None,
            mode: Mode::Ready,
            mode_reason: String::new(),
            setups: Vec::new(),
            cells: Vec::new(),
            runs: 0,
            priority: Vec::new(),
            activity: None,
            counts: Counts::default(),
            notices: Vec::new(),
            unsettled: None,
        }
    }
}

impl State {
    /// The cell's state, if the design has such a cell.
    pub fn cell(&self, cell: CellId) -> Option<&CellState> {
        self.cell_index(cell).and_then(|index| self.cells.get(index))
    }

    /// The row's state, if the design has such a row.
    pub fn setup(&self, setup: SetupId) -> Option<&SetupState> {
        self.setups.get(setup.index())
    }

    /// All cells of the design with their ids, row by row.
    pub fn iter_cells(&self) -> impl Iterator<Item = (CellId, &CellState)> {
        let runs = self.runs.max(1) as usize;
        self.cells.iter().enumerate().map(move |(index, cell)| {
            (
                CellId {
                    setup: SetupId((index / runs) as u32),
                    run: RunId((index % runs) as u32),
                },
                cell,
            )
        })
    }

    /// Whether the engine is on the way out.
    pub fn stopping(&self) -> bool {
        matches!(self.mode, Mode::Stopping(_))
    }

    /// The cells of a row, in design order; empty for a row the design does not have.
    pub fn row(&self, setup: SetupId) -> &[CellState] {
        let runs = self.runs as usize;
        let from = setup.index().saturating_mul(runs);
        self.cells
            .get(from..from.saturating_add(runs))
            .unwrap_or_default()
    }

    /// Whether a cell of the row is in the queue.
    pub fn has_pending(&self, setup: SetupId) -> bool {
        self.counts.of(CellStatus::Pending) > 0
            && self
                .row(setup)
                .iter()
                .any(|cell| cell.status == CellStatus::Pending)
    }

    pub(super) fn cell_index(&self, cell: CellId) -> Option<usize> {
        (cell.run.0 < self.runs && cell.setup.index() < self.setups.len())
            .then(|| cell.setup.index() * self.runs as usize + cell.run.index())
    }
}
