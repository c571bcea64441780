//! What the model is put together from: where the operator is, what is shown where.

use crate::experiment::{CellId, RunId, SetupId};

/// Where the operator is in the grid. Without a run it is the header of the row, without a setup the header of the
/// column, without both the corner: commands act on all that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) setup: Option<SetupId>,
    pub(crate) run: Option<RunId>,
}

impl Cursor {
    pub(crate) fn cell(self) -> Option<CellId> {
        Some(CellId {
            setup: self.setup?,
            run: self.run?,
        })
    }

    /// Whether this is the header of a row.
    pub(crate) fn is_row_header(self) -> bool {
        self.setup.is_some() && self.run.is_none()
    }
}

/// Which pane has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    Grid,
    Detail,
    Logs,
    AppLog,
}

/// What is under the grid. On wide screens details are beside it in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lower {
    Detail,
    Logs,
    AppLog,
}

impl Lower {
    pub(crate) fn focus(self) -> Focus {
        match self {
            Self::Detail => Focus::Detail,
            Self::Logs => Focus::Logs,
            Self::AppLog => Focus::AppLog,
        }
    }
}

/// What the cells of the grid show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vital {
    /// The status alone, and how far a running cell is.
    Status,
    /// A number by which [`Vitals`](crate::engine::Vitals) knows it, under a title.
    Number(&'static str, &'static str),
    /// How long the last attempt took.
    Duration,
}

impl Vital {
    /// In the order in which they are gone through.
    pub(crate) const ALL: [Self; 8] = [
        Self::Status,
        Self::Number("ttft_p50_ms", "TTFT p50, ms"),
        Self::Number("ttft_p99_ms", "TTFT p99, ms"),
        Self::Number("itl_p50_ms", "ITL p50, ms"),
        Self::Number("e2e_p50_ms", "latency p50, ms"),
        Self::Number("output_tokens_per_second", "output tokens/s"),
        Self::Number("requests_per_second", "requests/s"),
        Self::Duration,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Number(_, title) => title,
            Self::Duration => "duration",
        }
    }

    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|vital| *vital == self).unwrap_or(0);
        Self::ALL.get((at + 1) % Self::ALL.len()).copied().unwrap_or(self)
    }
}

/// A line for the operator that stays until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// Whether something was refused or went wrong.
    pub(crate) bad: bool,
}
