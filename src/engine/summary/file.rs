//! `experiment-summary.yaml`: the reference's keys in the reference's order, then ours. A program that reads the old
//! file finds all it knows; what is new stands behind it: facts about the sweep at the end, and per row its cells.

use super::{RowStatus, cell_seconds, row_seconds, rows};
use crate::engine::event::{Failure, Outcome, PhaseKind};
use crate::engine::state::{CellState, CellStatus, State};
use crate::experiment::SetupId;
use crate::workspace::Instance;
use serde_json::{Map, Value, json};

/// The summary file's text. Folders of rows are told as absolute paths, as the reference does; paths of cells are
/// relative to the instance.
pub fn yaml(state: &State, instance: &Instance) -> String {
    crate::yaml::to_string(&document(state, instance))
}

fn document(state: &State, instance: &Instance) -> Value {
    let mut rows_done = Vec::new();
    let (mut succeeded, mut failed, mut seconds) = (0, 0, 0.0);
    for (setup, row) in rows(state) {
        let status = RowStatus::of(state, setup, row);
        seconds += row_seconds(state, setup, row);
        match status {
            RowStatus::NotReached => continue,
            RowStatus::InProgress => {}
            RowStatus::Success => succeeded += 1,
            RowStatus::Failed(_) => failed += 1,
        }
        rows_done.push(treatment(state, instance, setup, status));
    }
    let opened = state.opened.as_deref();
    let text = |of: fn(&crate::engine::SweepOpened) -> &String| opened.map_or("", |opened| of(opened));
    let mut counts = Map::new();
    for status in CellStatus::ALL {
        counts.insert(status.word().to_owned(), json!(state.counts.of(status)));
    }
    json!({
        "experiment": text(|opened| &opened.experiment),
        "total_setup_treatments": state.setups.len(),
        "total_run_treatments": state.runs,
        "total_matrix": state.setups.len().max(1) * state.runs.max(1) as usize,
        "succeeded": succeeded,
        "failed": failed,
        "total_duration_seconds": tenths(seconds),
        "treatments": rows_done,
        "simulated": opened.is_some_and(|opened| opened.simulated),
        "sweep_id": text(|opened| &opened.sweep_id),
        "platform": text(|opened| &opened.platform),
        "harness": text(|opened| &opened.harness),
        "profile": text(|opened| &opened.profile),
        "cells": counts,
    })
}

fn treatment(state: &State, instance: &Instance, setup: SetupId, status: RowStatus) -> Value {
    let cells = state.row(setup);
    let name = setup_name(state, setup);
    let completed = cells
        .iter()
        .filter(|cell| cell.status == CellStatus::Succeeded)
        .count();
    let seconds = state
        .setup(setup)
        .map_or(0.0, |row| row_seconds(state, setup, row));
    let folder = instance.setup(name);
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let mut entry = Map::new();
    entry.insert("setup_treatment".into(), json!(name));
    entry.insert("status".into(), json!(status.name()));
    entry.insert(
        "run_treatments".into(),
        json!(format!("{completed}/{}", cells.len())),
    );
    entry.insert("duration_seconds".into(), tenths(seconds));
    entry.insert("workspace_dir".into(), json!(folder.to_string_lossy()));
    if let RowStatus::Failed(phase) = status {
        entry.insert("error".into(), json!(error_text(state, setup, phase)));
    }
    let details: Vec<Value> = cells
        .iter()
        .zip(0..)
        .filter(|(cell, _)| cell.status != CellStatus::Pending || !cell.attempts.is_empty())
        .map(|(cell, run)| cell_entry(state, setup, run, cell))
        .collect();
    entry.insert("cells".into(), Value::Array(details));
    Value::Object(entry)
}

fn setup_name(state: &State, setup: SetupId) -> &str {
    state
        .opened
        .as_deref()
        .and_then(|opened| opened.setups.get(setup.index()))
        .map_or("", |info| &info.name)
}

fn run_name(state: &State, run: usize) -> &str {
    state
        .opened
        .as_deref()
        .and_then(|opened| opened.runs.get(run))
        .map_or("", |info| &info.name)
}

/// In the reference's manner: the phase, then one line per reason.
fn error_text(state: &State, setup: SetupId, phase: PhaseKind) -> String {
    let title = match phase {
        PhaseKind::Standup => "Standup failed:",
        PhaseKind::Smoketest => "Smoketest failed:",
        PhaseKind::Run => "Run failed:",
        PhaseKind::Teardown => "Teardown failed:",
    };
    let mut lines = vec![title.to_owned()];
    if phase == PhaseKind::Run {
        for (cell, run) in state.row(setup).iter().zip(0..) {
            if let Some(reason) = reason(cell) {
                lines.push(format!("{}: {reason}", run_name(state, run)));
            }
        }
    } else if let Some(failure) = state.setup(setup).and_then(|row| row.failure.as_ref()) {
        lines.push(failure.reason.clone());
    }
    lines.join("\n")
}

/// Why a cell is not a success, if it has ended and is not.
pub(super) fn reason(cell: &CellState) -> Option<String> {
    let last = cell.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
    match (cell.status, last) {
        (CellStatus::Failed, Some(Outcome::Failed { failure })) => Some(failure.reason.clone()),
        (CellStatus::Suspect, Some(Outcome::Suspect { reasons, .. })) => Some(reasons.join("; ")),
        (CellStatus::NotRun, _) => Some(cell.not_run.as_ref().map_or_else(
            || "not run".to_owned(),
            |failure| format!("not run: {}", failure.reason),
        )),
        (CellStatus::Cancelled, _) => Some("cancelled".to_owned()),
        (CellStatus::Interrupted, _) => Some("interrupted".to_owned()),
        _ => None,
    }
}

/// The advice that goes with the reason.
pub(super) fn hint(cell: &CellState) -> Option<&str> {
    let last = cell.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
    let failure: Option<&Failure> = match (cell.status, last) {
        (CellStatus::Failed, Some(Outcome::Failed { failure })) => Some(failure),
        (CellStatus::NotRun, _) => cell.not_run.as_deref(),
        _ => None,
    };
    failure.and_then(|failure| failure.hint.as_deref())
}

fn cell_entry(state: &State, setup: SetupId, run: usize, cell: &CellState) -> Value {
    let mut entry = Map::new();
    entry.insert("run_treatment".into(), json!(run_name(state, run)));
    entry.insert("status".into(), json!(cell.status.word()));
    entry.insert("attempts".into(), json!(cell.attempts.len()));
    if let Some(attempt) = cell.attempts.last() {
        entry.insert("experiment_id".into(), json!(attempt.experiment_id));
        let parallelism = state
            .opened
            .as_deref()
            .map_or(1, |opened| opened.parallelism.max(1));
        let relative = Instance::at("");
        let folders: Vec<Value> = (1..=parallelism)
            .map(|index| relative.results(setup_name(state, setup), &attempt.experiment_id, index))
            .map(|folder| json!(folder.to_string_lossy()))
            .collect();
        entry.insert("results".into(), Value::Array(folders));
        entry.insert("duration_seconds".into(), tenths(cell_seconds(cell)));
        if let Some(Outcome::Succeeded { vitals } | Outcome::Suspect { vitals, .. }) = &attempt.outcome {
            entry.insert("vitals".into(), json!(vitals.0));
        }
    }
    if let Some(reason) = reason(cell) {
        entry.insert("reason".into(), json!(reason));
    }
    Value::Object(entry)
}

fn tenths(seconds: f64) -> Value {
    json!((seconds * 10.0).round() / 10.0)
}
