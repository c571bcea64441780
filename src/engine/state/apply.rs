//! The fold: what each event does to the state. Total on any input, so that a journal can always be looked at;
//! events about cells or rows the design does not have change nothing.

use super::super::event::{Event, Failure, Mode, Outcome, PhaseKind, Record, Scope, StepOutcome};
use super::{Activity, AttemptState, CellStatus, StackState, State, StepState, Unsettled};
use crate::experiment::{CellId, SetupId};
use jiff::Timestamp;
use std::collections::HashSet;

/// Notices kept for the screen; the journal has them all.
const NOTICES: usize = 100;

impl State {
    /// The state after `record`.
    pub fn apply(&mut self, record: &Record) {
        self.seq = record.seq;
        self.updated_at = Some(record.at);
        let at = record.at;
        match &record.event {
            Event::SweepOpened(opened) => self.open(opened, at),
            Event::EngineStarted { .. } => self.engine_started(),
            Event::ModeChanged { mode, reason } => {
                self.mode = *mode;
                self.mode_reason.clone_from(reason);
                if self.stopping() {
                    self.unsettled = None;
                }
            }
            Event::PhaseStarted {
                setup,
                generation,
                phase,
            } => self.phase_started(*setup, *generation, *phase, at),
            Event::PhaseEnded {
                setup,
                phase,
                failure,
                endpoint,
                ..
            } => {
                self.phase_ended(*setup, *phase, failure.as_ref(), endpoint.as_deref(), at);
            }
            Event::StackLost { setup, failure, .. } => {
                if matches!(self.activity, Some(Activity { scope: Scope::Phase { setup: s, .. }, .. }) if s == *setup)
                {
                    self.activity = None;
                }
                if let Some(row) = self.setups.get_mut(setup.index()) {
                    row.stack = StackState::Broken;
                    row.failure = Some(failure.clone());
                    row.failed_phase = Some(PhaseKind::Run);
                    row.losses = row.losses.saturating_add(1);
                    self.unsettled = Some(Unsettled::Loss(*setup));
                }
            }
            Event::StepStarted { scope, number, name } => self.step_started(*scope, *number, name, at),
            Event::StepEnded {
                scope,
                number,
                outcome,
            } => self.step_ended(*scope, *number, outcome, at),
            Event::LogSeen { scope, source } => {
                if let Some(logs) = self.logs_mut(*scope).filter(|logs| !logs.contains(source)) {
                    logs.push(source.clone());
                }
            }
            Event::AttemptStarted {
                cell,
                attempt,
                generation,
                experiment_id,
            } => {
                self.attempt_started(*cell, *attempt, *generation, experiment_id, at);
            }
            Event::AttemptEnded {
                cell,
                attempt,
                outcome,
            } => self.attempt_ended(*cell, *attempt, outcome, at),
            Event::CellsSkipped { cells } => self.take_from_queue(cells, CellStatus::Skipped, None),
            Event::CellsNotRun { cells, failure } => {
                self.take_from_queue(cells, CellStatus::NotRun, Some(failure));
            }
            Event::CellsQueued { cells, automatic } => self.queue(cells, *automatic),
            Event::CellsCancelled { cells } => self.cancel(cells),
            Event::CellsPrioritized { cells } => self.prioritize(cells),
            Event::Notice { text } => {
                if self.notices.len() >= NOTICES {
                    self.notices.remove(0);
                }
                self.notices.push((at, text.clone()));
            }
            Event::SweepEnded { .. } => {
                self.mode = Mode::Ended;
                self.activity = None;
            }
        }
    }

    /// A new engine waits for the operator's start, and takes up what a stop interrupted. Losses are counted anew:
    /// a stack that is found gone after the engine was away says nothing about the row.
    fn engine_started(&mut self) {
        self.mode = Mode::Ready;
        self.mode_reason.clear();
        for row in &mut self.setups {
            row.losses = 0;
        }
        self.activity = self.activity.or_else(|| self.changing());
        for index in 0..self.cells.len() {
            if self.cells[index].status == CellStatus::Interrupted {
                self.set_status(index, CellStatus::Pending);
            }
        }
    }

    /// A phase that a stop cut short goes on.
    fn changing(&self) -> Option<Activity> {
        self.setups
            .iter()
            .zip(0..)
            .find_map(|(row, index)| match row.stack {
                StackState::Changing { phase, since } => Some(Activity {
                    scope: Scope::Phase {
                        setup: SetupId(index),
                        generation: row.generation,
                        phase,
                    },
                    since,
                }),
                _ => None,
            })
    }

    fn phase_started(&mut self, setup: SetupId, generation: u32, phase: PhaseKind, at: Timestamp) {
        self.unsettled = None;
        let Some(row) = self.setups.get_mut(setup.index()) else {
            return;
        };
        if phase == PhaseKind::Standup && row.generation != generation {
            row.steps.clear();
            row.logs.clear();
            row.endpoint = None;
        }
        row.generation = generation;
        row.stack = StackState::Changing { phase, since: at };
        self.activity = Some(Activity {
            scope: Scope::Phase {
                setup,
                generation,
                phase,
            },
            since: at,
        });
    }

    fn phase_ended(
        &mut self,
        setup: SetupId,
        phase: PhaseKind,
        failure: Option<&Failure>,
        endpoint: Option<&str>,
        at: Timestamp,
    ) {
        if matches!(self.activity, Some(Activity { scope: Scope::Phase { setup: s, phase: p, .. }, .. }) if s == setup && p == phase)
        {
            self.activity = None;
        }
        if failure.is_some() && phase != PhaseKind::Teardown && !self.stopping() && self.has_pending(setup) {
            self.unsettled = Some(Unsettled::Standup(setup));
        }
        let Some(row) = self.setups.get_mut(setup.index()) else {
            return;
        };
        if let StackState::Changing { since, .. } = row.stack {
            row.busy_seconds += at.duration_since(since).as_secs_f64().max(0.0);
        }
        if let Some(failure) = failure {
            row.failure = Some(failure.clone());
            row.failed_phase = Some(phase);
        }
        row.stack = match (phase, failure) {
            // A teardown is not tried for ever: its failure is told, and the row counts as down.
            (PhaseKind::Teardown, _) => {
                row.endpoint = None;
                StackState::Down
            }
            (PhaseKind::Standup, None) => {
                row.endpoint = endpoint.map(str::to_owned);
                row.failure = None;
                row.failed_phase = None;
                StackState::Unverified
            }
            (PhaseKind::Smoketest | PhaseKind::Run, None) => StackState::Up,
            (_, Some(_)) => StackState::Broken,
        };
    }

    fn steps_mut(&mut self, scope: Scope) -> Option<&mut Vec<StepState>> {
        match scope {
            Scope::Phase { setup, .. } => self.setups.get_mut(setup.index()).map(|row| &mut row.steps),
            Scope::Attempt { cell, attempt } => {
                self.attempt_mut(cell, attempt).map(|attempt| &mut attempt.steps)
            }
        }
    }

    fn logs_mut(&mut self, scope: Scope) -> Option<&mut Vec<super::LogSource>> {
        match scope {
            Scope::Phase { setup, .. } => self.setups.get_mut(setup.index()).map(|row| &mut row.logs),
            Scope::Attempt { cell, attempt } => {
                self.attempt_mut(cell, attempt).map(|attempt| &mut attempt.logs)
            }
        }
    }

    fn attempt_mut(&mut self, cell: CellId, number: u32) -> Option<&mut AttemptState> {
        let index = self.cell_index(cell)?;
        self.cells
            .get_mut(index)?
            .attempts
            .iter_mut()
            .rev()
            .find(|attempt| attempt.number == number)
    }

    /// A step that begins again (after a crash) replaces its unfinished self.
    fn step_started(&mut self, scope: Scope, number: u8, name: &str, at: Timestamp) {
        let phase = match scope {
            Scope::Phase { phase, .. } => phase,
            Scope::Attempt { .. } => PhaseKind::Run,
        };
        let Some(steps) = self.steps_mut(scope) else {
            return;
        };
        steps.retain(|step| !(step.phase == phase && step.number == number && step.name == name));
        steps.push(StepState {
            phase,
            number,
            name: name.to_owned(),
            started_at: at,
            ended_at: None,
            outcome: None,
        });
    }

    fn step_ended(&mut self, scope: Scope, number: u8, outcome: &StepOutcome, at: Timestamp) {
        let Some(steps) = self.steps_mut(scope) else {
            return;
        };
        if let Some(step) = steps
            .iter_mut()
            .rev()
            .find(|step| step.number == number && step.outcome.is_none())
        {
            step.ended_at = Some(at);
            step.outcome = Some(outcome.clone());
        }
    }

    fn attempt_started(
        &mut self,
        cell: CellId,
        number: u32,
        generation: u32,
        experiment_id: &str,
        at: Timestamp,
    ) {
        let Some(index) = self.cell_index(cell) else {
            return;
        };
        self.unsettled = None;
        self.priority.retain(|queued| *queued != cell);
        self.set_status(index, CellStatus::Running);
        let Some(state) = self.cells.get_mut(index) else {
            return;
        };
        state.not_run = None;
        state.attempts.push(AttemptState {
            number,
            generation,
            experiment_id: experiment_id.to_owned(),
            started_at: at,
            ended_at: None,
            outcome: None,
            first_of_round: !state.automatic,
            cancelling: false,
            steps: Vec::new(),
            logs: Vec::new(),
        });
        self.activity = Some(Activity {
            scope: Scope::Attempt {
                cell,
                attempt: number,
            },
            since: at,
        });
    }

    fn attempt_ended(&mut self, cell: CellId, number: u32, outcome: &Outcome, at: Timestamp) {
        if matches!(self.activity, Some(Activity { scope: Scope::Attempt { cell: c, attempt }, .. }) if c == cell && attempt == number)
        {
            self.activity = None;
        }
        let Some(index) = self.cell_index(cell) else {
            return;
        };
        let Some(attempt) = self.attempt_mut(cell, number) else {
            return;
        };
        if attempt.outcome.is_some() {
            return;
        }
        attempt.ended_at = Some(at);
        attempt.outcome = Some(outcome.clone());
        let status = match outcome {
            Outcome::Succeeded { .. } => CellStatus::Succeeded,
            Outcome::Suspect { .. } => CellStatus::Suspect,
            Outcome::Failed { .. } => CellStatus::Failed,
            Outcome::Cancelled => CellStatus::Cancelled,
            Outcome::Interrupted => CellStatus::Interrupted,
        };
        self.set_status(index, status);
        self.unsettled = match status {
            CellStatus::Failed => Some(Unsettled::Attempt(cell)),
            CellStatus::Interrupted if !self.stopping() => Some(Unsettled::Attempt(cell)),
            _ => None,
        };
        if let (CellStatus::Succeeded, Some(row)) = (status, self.setups.get_mut(cell.setup.index())) {
            row.losses = 0;
        }
    }

    fn take_from_queue(&mut self, cells: &[CellId], status: CellStatus, failure: Option<&Failure>) {
        self.remove_priority(cells);
        for index in cells
            .iter()
            .filter_map(|cell| self.cell_index(*cell))
            .collect::<Vec<_>>()
        {
            if self.cells[index].status == CellStatus::Pending {
                self.set_status(index, status);
                self.cells[index].not_run = failure.cloned().map(Box::new);
            }
        }
    }

    fn queue(&mut self, cells: &[CellId], automatic: bool) {
        if !automatic {
            self.unsettled = None;
        }
        for cell in cells {
            let Some(index) = self.cell_index(*cell) else {
                continue;
            };
            if self.cells[index].status != CellStatus::Running {
                self.set_status(index, CellStatus::Pending);
                self.cells[index].automatic = automatic;
                self.cells[index].not_run = None;
            }
            if let (false, Some(row)) = (automatic, self.setups.get_mut(cell.setup.index())) {
                row.losses = 0;
            }
        }
    }

    fn cancel(&mut self, cells: &[CellId]) {
        self.remove_priority(cells);
        for cell in cells {
            let Some(index) = self.cell_index(*cell) else {
                continue;
            };
            match self.cells[index].status {
                CellStatus::Pending => self.set_status(index, CellStatus::Cancelled),
                CellStatus::Running => {
                    if let Some(attempt) = self.cells[index].attempts.last_mut() {
                        attempt.cancelling = true;
                    }
                }
                _ => {}
            }
        }
    }

    fn prioritize(&mut self, cells: &[CellId]) {
        self.remove_priority(cells);
        let mut head: Vec<CellId> = Vec::with_capacity(cells.len() + self.priority.len());
        let mut seen = HashSet::new();
        head.extend(cells.iter().copied().filter(|cell| {
            let pending = self
                .cell(*cell)
                .is_some_and(|state| state.status == CellStatus::Pending);
            pending && seen.insert(*cell)
        }));
        head.append(&mut self.priority);
        self.priority = head;
    }

    fn remove_priority(&mut self, cells: &[CellId]) {
        if !self.priority.is_empty() {
            let gone: HashSet<CellId> = cells.iter().copied().collect();
            self.priority.retain(|queued| !gone.contains(queued));
        }
    }

    /// The one place where a cell's status changes, so that the counts cannot drift. `index` is in range.
    fn set_status(&mut self, index: usize, status: CellStatus) {
        if let Some(cell) = self.cells.get_mut(index) {
            self.counts.moved(Some(cell.status), status);
            cell.status = status;
        }
    }
}
