//! What lies over the panes and takes all keys: help, questions, the summary.

use crate::engine::{CellStatus, StopMode};
use crate::experiment::{CellId, RunId};

/// What lies over the panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// All keys, scrolled down by so many lines.
    Help(u16),
    /// A question.
    Dialog(Dialog),
    /// Counts, failures, results.
    Summary(Summary),
}

/// A question with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialog {
    pub(crate) title: String,
    /// What will happen; each item is a paragraph.
    pub(crate) text: Vec<String>,
    pub(crate) choices: Vec<Choice>,
    /// Position of the answer that Enter gives.
    pub(crate) selected: usize,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) key: char,
    pub(crate) label: String,
    pub(crate) decision: Decision,
}

/// What an answer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing.
    Stay,
    /// Do this to these cells, as far as it still makes sense.
    Do(Deed, Vec<CellId>),
    /// End the sweep and leave.
    Stop(StopMode),
}

/// What can be done to cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Skip,
    Unskip,
    Retry,
    Cancel,
    RunNext,
}

impl Deed {
    /// Whether it makes sense for a cell in this status.
    pub(crate) fn fits(self, status: CellStatus) -> bool {
        match self {
            Self::Skip | Self::RunNext => status == CellStatus::Pending,
            Self::Unskip => status == CellStatus::Skipped,
            Self::Cancel => matches!(status, CellStatus::Pending | CellStatus::Running),
            Self::Retry => !matches!(
                status,
                CellStatus::Pending | CellStatus::Running | CellStatus::Skipped
            ),
        }
    }
}

/// The sweep at a glance; made once, because finding the failures means looking at every cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The first cells without a result to trust.
    pub(crate) failures: Vec<Unsuccessful>,
    /// How many more cells there are.
    pub(crate) more: usize,
    pub(crate) scroll: u16,
}

/// Neighbours in a row that have no result to trust, all for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsuccessful {
    pub(crate) first: CellId,
    pub(crate) last: RunId,
    pub(crate) status: CellStatus,
    pub(crate) reason: String,
}

impl Unsuccessful {
    /// Whether this cell continues these.
    pub(crate) fn goes_on_with(&self, cell: CellId, status: CellStatus, reason: &str) -> bool {
        self.first.setup == cell.setup
            && self.last.index() + 1 == cell.run.index()
            && self.status == status
            && self.reason == reason
    }
}
