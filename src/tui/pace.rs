//! What is kept beside the state so that no frame has to walk over all cells: counts per row and column, the time the
//! sweep was at work, and what finished cells teach about the ones to come.
//!
//! All of it follows from the records, one at a time.

use crate::engine::{AttemptState, CellStatus, Mode, Outcome, Progress, Scope, State};
use crate::experiment::{CellId, SetupId};
use jiff::Timestamp;

/// Number of statuses.
const STATUSES: usize = CellStatus::ALL.len();

/// How many cells are in each status.
pub(crate) type PerStatus = [u32; STATUSES];

/// A mean that learns.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, seconds: f64) {
        self.sum += seconds;
        self.count += 1;
    }

    fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// Counts and times of a sweep.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Pace {
    rows: Vec<PerStatus>,
    columns: Vec<PerStatus>,
    /// Rows with pending cells.
    rows_to_do: u32,
    /// Attempts that ran to their end, by column and over all.
    column_means: Vec<Mean>,
    mean: Mean,
    /// Seconds that pending cells of columns with a mean will take.
    known_seconds: f64,
    /// Pending cells of columns without one.
    unknown_cells: u32,
    /// Time that phases of rows took, and standups.
    busy_seconds: f64,
    standups: u32,
    /// Time at work before `active_since`.
    worked_seconds: f64,
    active_since: Option<Timestamp>,
}

impl Pace {
    /// From a whole state: at the start, and when the design changed.
    pub(crate) fn of(state: &State) -> Self {
        let mut pace = Self {
            rows: vec![[0; STATUSES]; state.setups.len()],
            columns: vec![[0; STATUSES]; state.runs as usize],
            column_means: vec![Mean::default(); state.runs as usize],
            ..Self::default()
        };
        for (id, cell) in state.iter_cells() {
            for attempt in &cell.attempts {
                pace.learn(id, attempt);
            }
            pace.enter(id, cell.status);
        }
        for row in &state.setups {
            pace.busy_seconds += row.busy_seconds;
            pace.standups += row.generation;
        }
        if is_at_work(state) {
            pace.active_since = state.activity.map(|activity| activity.since).or(state.updated_at);
        }
        pace
    }

    /// A cell changed its status.
    pub(crate) fn moved(&mut self, cell: CellId, from: CellStatus, to: CellStatus) {
        if from != to {
            self.leave(cell, from);
            self.enter(cell, to);
        }
    }

    fn enter(&mut self, cell: CellId, status: CellStatus) {
        let index = status as usize;
        if let Some(count) = self
            .rows
            .get_mut(cell.setup.index())
            .and_then(|row| row.get_mut(index))
        {
            *count += 1;
            if status == CellStatus::Pending && *count == 1 {
                self.rows_to_do += 1;
            }
        }
        if let Some(count) = self
            .columns
            .get_mut(cell.run.index())
            .and_then(|column| column.get_mut(index))
        {
            *count += 1;
        }
        if status == CellStatus::Pending {
            match self.column_mean(cell) {
                Some(mean) => self.known_seconds += mean,
                None => self.unknown_cells += 1,
            }
        }
    }

    fn leave(&mut self, cell: CellId, status: CellStatus) {
        let index = status as usize;
        if let Some(count) = self
            .rows
            .get_mut(cell.setup.index())
            .and_then(|row| row.get_mut(index))
        {
            *count = count.saturating_sub(1);
            if status == CellStatus::Pending && *count == 0 {
                self.rows_to_do = self.rows_to_do.saturating_sub(1);
            }
        }
        if let Some(count) = self
            .columns
            .get_mut(cell.run.index())
            .and_then(|column| column.get_mut(index))
        {
            *count = count.saturating_sub(1);
        }
        if status == CellStatus::Pending {
            match self.column_mean(cell) {
                Some(mean) => self.known_seconds = (self.known_seconds - mean).max(0.0),
                None => self.unknown_cells = self.unknown_cells.saturating_sub(1),
            }
        }
    }

    fn column_mean(&self, cell: CellId) -> Option<f64> {
        self.column_means
            .get(cell.run.index())
            .and_then(|mean| mean.get())
    }

    /// An attempt ended: one that ran its whole load says how long such cells take.
    pub(crate) fn learn(&mut self, cell: CellId, attempt: &AttemptState) {
        let whole = matches!(
            attempt.outcome,
            Some(Outcome::Succeeded { .. } | Outcome::Suspect { .. })
        );
        let Some(ended) = attempt.ended_at.filter(|_| whole) else {
            return;
        };
        let seconds = seconds_between(attempt.started_at, ended);
        self.mean.add(seconds);
        let pending = self.column_counts(cell.run.index())[CellStatus::Pending as usize];
        let Some(column) = self.column_means.get_mut(cell.run.index()) else {
            return;
        };
        let before = column.get();
        column.add(seconds);
        let after = column.get().unwrap_or(seconds);
        if let Some(before) = before {
            self.known_seconds += f64::from(pending) * (after - before);
        } else {
            self.known_seconds += f64::from(pending) * after;
            self.unknown_cells = self.unknown_cells.saturating_sub(pending);
        }
    }

    /// A phase of a row ended: `busy` and `generations` are by how much the row's totals grew.
    pub(crate) fn phase_ended(&mut self, busy: f64, generations: u32) {
        self.busy_seconds += busy;
        self.standups += generations;
    }

    /// A record was made; the state is that after it.
    pub(crate) fn clock(&mut self, state: &State, at: Timestamp) {
        match (self.active_since, is_at_work(state)) {
            (None, true) => self.active_since = Some(at),
            (Some(since), false) => {
                self.worked_seconds += seconds_between(since, at);
                self.active_since = None;
            }
            _ => {}
        }
    }

    /// Whether time passes on the screen.
    pub(crate) fn is_running(&self) -> bool {
        self.active_since.is_some()
    }

    /// Seconds the sweep was at work, as far as this screen has seen it.
    pub(crate) fn elapsed(&self, now: Timestamp) -> f64 {
        self.worked_seconds + self.active_since.map_or(0.0, |since| seconds_between(since, now))
    }

    /// Seconds that are left, once a first cell has told how long one takes.
    pub(crate) fn remaining(&self, state: &State, now: Timestamp) -> Option<f64> {
        let mean = self.mean.get()?;
        let mut seconds = self.known_seconds + f64::from(self.unknown_cells) * mean;
        let per_row = self.busy_seconds / f64::from(self.standups.max(1));
        let mut standups = self.rows_to_do;
        match state.activity.map(|activity| (activity.scope, activity.since)) {
            Some((Scope::Attempt { cell, .. }, since)) => {
                let whole = self.column_mean(cell).unwrap_or(mean);
                seconds += (whole - seconds_between(since, now)).max(0.0);
                standups = standups.saturating_sub(u32::from(self.is_to_do(cell.setup)));
            }
            Some((Scope::Phase { setup, .. }, since)) => {
                seconds -= seconds_between(since, now).min(per_row);
                standups = standups.max(u32::from(self.is_to_do(setup)));
            }
            None => {}
        }
        Some((seconds + f64::from(standups) * per_row).max(0.0))
    }

    fn is_to_do(&self, setup: SetupId) -> bool {
        self.row_counts(setup.index())[CellStatus::Pending as usize] > 0
    }

    /// How long a cell of this column takes on average, once one did.
    pub(crate) fn mean_of_column(&self, column: usize) -> Option<f64> {
        self.column_means.get(column).and_then(|mean| mean.get())
    }

    pub(crate) fn row_counts(&self, row: usize) -> PerStatus {
        self.rows.get(row).copied().unwrap_or_default()
    }

    pub(crate) fn column_counts(&self, column: usize) -> PerStatus {
        self.columns.get(column).copied().unwrap_or_default()
    }
}

/// Whether something is under way, or about to be. A resumed sweep that was not started yet only remembers what was.
fn is_at_work(state: &State) -> bool {
    if matches!(state.mode, Mode::Ready | Mode::Ended) {
        return false;
    }
    let to_do = state.counts.of(CellStatus::Pending) + state.counts.of(CellStatus::Running) > 0;
    (state.mode == Mode::Running && to_do) || state.activity.is_some()
}

/// Seconds from one time to another; never negative, because clocks are set back.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// How much of something is done, from 0 to 1; `None` where it is not known how much there is.
pub(crate) fn fraction(progress: &Progress) -> Option<f64> {
    (progress.total > 0).then(|| (progress.done as f64 / progress.total as f64).min(1.0))
}

/// A fraction in whole per cent, rounded down: nothing is done before it is.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.0}%", (fraction * 100.0).floor())
}

/// A duration as people say it: `4.2s`, `3m05s`, `2h07m`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h{:02}m", whole / 3600, whole / 60 % 60),
        _ => format!("{}d{:02}h", whole / 86_400, whole / 3600 % 24),
    }
}

/// A duration that is shown while it grows: whole seconds, so that it does not change more often than it is drawn.
pub(crate) fn clock(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{}s", seconds.max(0.0) as u64);
    }
    duration(seconds.floor())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixtures;

    #[test]
    fn durations_are_said_as_people_say_them() {
        let said: Vec<String> = [0.04, 9.96, 59.6, 185.0, 7620.0, 180_000.0].map(duration).into();
        assert_eq!(said, ["0.0s", "10s", "1m00s", "3m05s", "2h07m", "2d02h"]);
        assert_eq!(clock(4.9), "4s");
    }

    #[test]
    fn counts_and_times_grow_with_the_records_as_if_worked_out_anew() {
        let mut sweep = fixtures::Sweep::new(3, 4);
        let model_after = |sweep: &fixtures::Sweep| sweep.model(120, 40).pace;
        for step in fixtures::story(&mut sweep) {
            let grown = model_after(&step);
            let anew = Pace::of(step.state());
            assert_eq!(grown.rows, anew.rows);
            assert_eq!(grown.columns, anew.columns);
            assert_eq!(grown.rows_to_do, anew.rows_to_do);
            assert_eq!(grown.unknown_cells, anew.unknown_cells);
            assert!((grown.known_seconds - anew.known_seconds).abs() < 1e-6);
            assert!((grown.busy_seconds - anew.busy_seconds).abs() < 1e-6);
            assert_eq!(grown.standups, anew.standups);
        }
    }

    #[test]
    fn the_rest_is_estimated_from_what_cells_of_the_same_column_took() {
        let sweep = fixtures::midway();
        let model = sweep.model(120, 40);
        let state = sweep.state();
        let left = model.pace.remaining(state, sweep.now()).unwrap();
        assert!(left > 0.0 && left < 3600.0, "{left}");
        assert!(
            fixtures::Sweep::new(3, 4)
                .model(80, 24)
                .pace
                .remaining(state, sweep.now())
                .is_none()
        );
    }
}
