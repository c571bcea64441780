//! Commands: which events they become, or why they are refused.

use crate::engine::command::{Command, Refusal, Selection, StopMode};
use crate::engine::event::{Event, Mode};
use crate::engine::state::{CellStatus, State};
use crate::experiment::{CellId, RunId, SetupId};
use std::collections::HashSet;

/// The events that `command` becomes in `state`; none of them changes a cell that the command cannot be about.
pub fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Refusal> {
    if state.mode == Mode::Ended {
        return refuse("the sweep has ended; resume it to go on");
    }
    if state.stopping() && !matches!(command, Command::Stop { .. } | Command::Cancel { .. }) {
        return refuse("the sweep is being stopped; resume it afterwards to change its queue");
    }
    match command {
        Command::Start => start(state),
        Command::Pause => pause(state),
        Command::Skip { cells } => skip(state, cells),
        Command::Unskip { cells } => unskip(state, cells),
        Command::Retry { cells } => retry(state, cells),
        Command::Cancel { cells } => cancel(state, cells),
        Command::RunNext { cells } => run_next(state, cells),
        Command::Stop { mode } => stop(state, *mode),
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        reason: reason.into(),
    })
}

fn mode(mode: Mode, reason: &str) -> Vec<Event> {
    vec![Event::ModeChanged {
        mode,
        reason: reason.to_owned(),
    }]
}

fn start(state: &State) -> Result<Vec<Event>, Refusal> {
    match state.mode {
        Mode::Ready => Ok(mode(Mode::Running, "started")),
        Mode::Paused => Ok(mode(Mode::Running, "resumed")),
        _ => refuse("the sweep is running already"),
    }
}

fn pause(state: &State) -> Result<Vec<Event>, Refusal> {
    match state.mode {
        Mode::Running => Ok(mode(Mode::Paused, "paused by the operator")),
        Mode::Ready => refuse("the sweep has not started yet"),
        _ => refuse("the sweep is paused already"),
    }
}

fn skip(state: &State, selection: &Selection) -> Result<Vec<Event>, Refusal> {
    let cells = select(state, selection, |status| status == CellStatus::Pending)?;
    if cells.is_empty() {
        return refuse(
            "only pending cells can be skipped, and there is none among these; a running one can be cancelled",
        );
    }
    Ok(vec![Event::CellsSkipped { cells }])
}

fn unskip(state: &State, selection: &Selection) -> Result<Vec<Event>, Refusal> {
    let cells = select(state, selection, |status| status == CellStatus::Skipped)?;
    if cells.is_empty() {
        return refuse("no cell among these is skipped");
    }
    Ok(vec![queued(cells)])
}

fn queued(cells: Vec<CellId>) -> Event {
    Event::CellsQueued {
        cells,
        automatic: false,
    }
}

/// Whatever ended without a result to trust. Cells that succeeded are run again only when they were named one by one
/// and nothing else was: a sweeping "retry" must not throw good results into doubt.
fn retry(state: &State, selection: &Selection) -> Result<Vec<Event>, Refusal> {
    let unsuccessful = |status| crate::engine::StatusFilter::Unsuccessful.matches(status);
    let mut cells = select(state, selection, unsuccessful)?;
    if cells.is_empty() && matches!(selection, Selection::Cells(_)) {
        cells = select(state, selection, |status| status == CellStatus::Succeeded)?;
    }
    if cells.is_empty() {
        return refuse("no cell among these has ended without success; skipped ones can be unskipped");
    }
    Ok(vec![queued(cells)])
}

fn cancel(state: &State, selection: &Selection) -> Result<Vec<Event>, Refusal> {
    let mut cells = select(state, selection, |status| {
        matches!(status, CellStatus::Pending | CellStatus::Running)
    })?;
    cells.retain(|cell| !cancelling(state, *cell));
    if cells.is_empty() {
        return refuse("no cell among these is pending or running");
    }
    Ok(vec![Event::CellsCancelled { cells }])
}

fn cancelling(state: &State, cell: CellId) -> bool {
    state.cell(cell).is_some_and(|cell| {
        cell.status == CellStatus::Running && cell.attempts.last().is_some_and(|attempt| attempt.cancelling)
    })
}

fn run_next(state: &State, selection: &Selection) -> Result<Vec<Event>, Refusal> {
    let cells = select(state, selection, |status| status == CellStatus::Pending)?;
    if cells.is_empty() {
        return refuse("no cell among these is pending; retry or unskip them first");
    }
    Ok(vec![Event::CellsPrioritized { cells }])
}

/// A stop may be made more urgent, never less.
fn stop(state: &State, wanted: StopMode) -> Result<Vec<Event>, Refusal> {
    if let Mode::Stopping(now) = state.mode
        && now >= wanted
    {
        return refuse("the sweep is being stopped already");
    }
    let reason = match wanted {
        StopMode::Finish => "stopping after the running cell",
        StopMode::Graceful => "stopping: the running cell is cancelled, the stack taken down",
        StopMode::Now => "stopping at once",
    };
    Ok(mode(Mode::Stopping(wanted), reason))
}

/// The cells a selection means whose status is `wanted`, each once, in the selection's order.
fn select(
    state: &State,
    selection: &Selection,
    wanted: impl Fn(CellStatus) -> bool,
) -> Result<Vec<CellId>, Refusal> {
    let is_wanted = |cell: &CellId| state.cell(*cell).is_some_and(|cell| wanted(cell.status));
    let every = |filter: &dyn Fn(CellStatus) -> bool| {
        state
            .iter_cells()
            .filter(|(_, cell)| filter(cell.status) && wanted(cell.status))
            .map(|(id, _)| id)
            .collect()
    };
    match selection {
        Selection::Cells(cells) => {
            if let Some(unknown) = cells.iter().find(|cell| state.cell(**cell).is_none()) {
                return refuse(format!("there is no cell {unknown} in this design"));
            }
            let mut seen = HashSet::new();
            Ok(cells
                .iter()
                .copied()
                .filter(|cell| is_wanted(cell) && seen.insert(*cell))
                .collect())
        }
        Selection::Setups(setups) => {
            if let Some(unknown) = setups.iter().find(|setup| state.setup(**setup).is_none()) {
                return refuse(format!("there is no row {} in this design", unknown.0 + 1));
            }
            let mut seen = HashSet::new();
            let rows = setups.iter().copied().filter(|setup| seen.insert(*setup));
            let cells = rows.flat_map(|setup| {
                (0..state.runs).map(move |run| CellId {
                    setup,
                    run: RunId(run),
                })
            });
            Ok(cells.filter(is_wanted).collect())
        }
        Selection::Runs(runs) => {
            if let Some(unknown) = runs.iter().find(|run| run.0 >= state.runs) {
                return refuse(format!("there is no column {} in this design", unknown.0 + 1));
            }
            let columns: HashSet<RunId> = runs.iter().copied().collect();
            let cells = (0..state.setups.len() as u32).flat_map(|setup| {
                (0..state.runs).map(move |run| CellId {
                    setup: SetupId(setup),
                    run: RunId(run),
                })
            });
            Ok(cells
                .filter(|cell| columns.contains(&cell.run) && is_wanted(cell))
                .collect())
        }
        Selection::Status(filter) => Ok(every(&|status| filter.matches(status))),
        Selection::All => Ok(every(&|_| true)),
    }
}
