//! The summary a person reads when the sweep is over.

use super::file::{hint, reason};
use super::{RowStatus, row_seconds, rows};
use crate::engine::state::{CellStatus, State};
use crate::experiment::{CellId, SetupId};
use crate::text::sanitize;
use std::fmt::Write;
use std::path::Path;
use unicode_width::UnicodeWidthStr;

/// Troubles told one by one; the file has them all.
const TROUBLES: usize = 20;
/// Rows told one by one.
const ROWS: usize = 60;
/// Widest name of a row that is shown whole.
const NAME: usize = 40;

/// Rows and what became of them, counts, troubles with what to do about them, and where everything lies. Plain lines
/// without control characters, each ending in a line break.
pub fn text(state: &State, workspace: &Path) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut out, state, workspace);
    out
}

fn write_all(out: &mut String, state: &State, workspace: &Path) -> std::fmt::Result {
    let opened = state.opened.as_deref();
    let name = opened.map_or("sweep", |opened| &opened.experiment);
    let simulated = opened.is_some_and(|opened| opened.simulated);
    let note = if simulated {
        "  (simulated, not measured)"
    } else {
        ""
    };
    writeln!(
        out,
        "{}: {} setup x {} run treatments{note}",
        sanitize(name),
        state.setups.len(),
        state.runs
    )?;
    writeln!(out)?;
    write_rows(out, state)?;
    writeln!(out)?;
    writeln!(out, "{}", counts(state))?;
    write_troubles(out, state)?;
    writeln!(out, "results: {}", sanitize(&workspace.to_string_lossy()))
}

fn write_rows(out: &mut String, state: &State) -> std::fmt::Result {
    let names: Vec<String> = rows(state)
        .take(ROWS)
        .map(|(setup, _)| setup_name(state, setup))
        .collect();
    let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
    for ((setup, row), name) in rows(state).zip(&names) {
        let cells = state.row(setup);
        let succeeded = cells
            .iter()
            .filter(|cell| cell.status == CellStatus::Succeeded)
            .count();
        let pad = " ".repeat(width.saturating_sub(name.width()));
        writeln!(
            out,
            "  {name}{pad}  {succeeded:>3}/{:<3}  {:<16}  {:>8.1} s",
            cells.len(),
            RowStatus::of(state, setup, row).name().replace('_', " "),
            row_seconds(state, setup, row)
        )?;
    }
    let more = state.setups.len().saturating_sub(ROWS);
    if more > 0 {
        writeln!(out, "  and {more} more, in experiment-summary.yaml")?;
    }
    Ok(())
}

fn counts(state: &State) -> String {
    let parts: Vec<String> = CellStatus::ALL
        .iter()
        .map(|status| (state.counts.of(*status), status.word().replace('_', " ")))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("cells: {} of {}", parts.join(", "), state.cells.len())
}

/// Rows that were not run share one line, since they share one reason.
fn write_troubles(out: &mut String, state: &State) -> std::fmt::Result {
    let mut troubles: Vec<(String, String, Option<String>)> = Vec::new();
    let mut more = 0;
    for (id, cell) in state.iter_cells() {
        let Some(reason) = reason(cell) else { continue };
        let advice = hint(cell).map(str::to_owned);
        let whole_row = cell.status == CellStatus::NotRun;
        let place = if whole_row {
            setup_name(state, id.setup)
        } else {
            cell_name(state, id)
        };
        if whole_row
            && troubles
                .last()
                .is_some_and(|last| last.0 == place && last.1 == reason)
        {
            continue;
        }
        if troubles.len() == TROUBLES {
            more += 1;
        } else {
            troubles.push((place, reason, advice));
        }
    }
    if troubles.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    for (place, reason, advice) in troubles {
        writeln!(out, "  {place}: {}", one_line(&reason))?;
        if let Some(advice) = advice {
            writeln!(out, "    help: {}", one_line(&advice))?;
        }
    }
    if more > 0 {
        writeln!(out, "  and {more} more, in experiment-summary.yaml")?;
    }
    writeln!(out)
}

fn one_line(text: &str) -> String {
    let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    sanitize(&joined).into_owned()
}

fn setup_name(state: &State, setup: SetupId) -> String {
    let name = state
        .opened
        .as_deref()
        .and_then(|opened| opened.setups.get(setup.index()))
        .map_or("", |info| &info.name);
    shortened(name)
}

fn cell_name(state: &State, cell: CellId) -> String {
    let run = state
        .opened
        .as_deref()
        .and_then(|opened| opened.runs.get(cell.run.index()))
        .map_or("", |info| &info.name);
    format!("{} x {}", setup_name(state, cell.setup), shortened(run))
}

fn shortened(name: &str) -> String {
    let clean = sanitize(name);
    if clean.width() <= NAME {
        return clean.into_owned();
    }
    let mut short: String = clean.chars().take(NAME - 1).collect();
    while short.width() > NAME - 1 {
        short.pop();
    }
    short.push('…');
    short
}
