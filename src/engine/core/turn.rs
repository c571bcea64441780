//! One turn of the engine: from the action that ought to be, to the record of its intent and the work to do; and from
//! the work's result back to records.

use super::{Action, next_action, running_cell};
use crate::engine::command::StopMode;
use crate::engine::event::{Event, Failure, Mode, Outcome, PhaseKind, Scope};
use crate::engine::executor::{AttemptRef, Health, StackRef};
use crate::engine::state::State;
use crate::experiment::CellId;

/// Work for the executor.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Bring a stack up.
    Standup(StackRef),
    /// See that it answers and is what was planned.
    Smoketest {
        /// The stack.
        stack: StackRef,
        /// Where it answers.
        endpoint: String,
    },
    /// See that it still answers, before an attempt, or after an engine was away.
    Health {
        /// The stack.
        stack: StackRef,
        /// Where it answers.
        endpoint: String,
    },
    /// Run an attempt, or adopt the one that runs or ran under this name.
    Attempt(AttemptRef),
    /// Make an end of an attempt that an earlier engine began, because its stack is gone: the same as
    /// [`Attempt`](Self::Attempt), with its cancellation asked for from the beginning.
    Reap(AttemptRef),
    /// Take a stack down.
    Teardown(StackRef),
}

/// How work ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// With the stack's endpoint.
    Standup(Result<String, Failure>),
    /// A smoketest or a teardown.
    Phase(Result<(), Failure>),
    /// The health gate's answer.
    Health(Health),
    /// What the attempt amounts to.
    Attempt(Outcome),
}

impl Work {
    /// What it amounts to when the work itself breaks, by a panic for example.
    pub fn broken(&self, failure: Failure) -> Finished {
        match self {
            Self::Standup(_) => Finished::Standup(Err(failure)),
            Self::Smoketest { .. } | Self::Teardown(_) => Finished::Phase(Err(failure)),
            Self::Health { .. } => Finished::Health(Health::Broken(failure)),
            Self::Attempt(_) | Self::Reap(_) => Finished::Attempt(Outcome::Failed { failure }),
        }
    }

    /// What the operator calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Standup(_) => "standup",
            Self::Smoketest { .. } => "smoketest",
            Self::Health { .. } => "health check",
            Self::Attempt(_) | Self::Reap(_) => "run",
            Self::Teardown(_) => "teardown",
        }
    }
}

/// What the driver does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Wait for a command.
    Wait,
    /// Record these, then ask again.
    Record(Vec<Event>),
    /// Record the intent, if it is not on record yet; once it is on disk, do the work.
    Work {
        /// To be recorded first.
        intent: Option<Event>,
        /// To be done then.
        work: Work,
    },
    /// End everything of the sweep at once, then record its end.
    Abandon,
    /// Nothing is left to do.
    End,
}

/// What an engine remembers between two records, and may forget in a crash: how a stack has just been seen.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    seen: Option<(StackRef, Seen)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Healthy,
    /// With an attempt of an earlier engine still on record.
    Broken,
}

impl Turn {
    /// What to do next in `state`. `name` makes the experiment id of a new attempt.
    pub fn next(&mut self, state: &State, name: impl FnOnce(CellId) -> String) -> Step {
        match next_action(state) {
            Action::Wait => Step::Wait,
            Action::Record(events) => Step::Record(events),
            Action::Abandon => Step::Abandon,
            Action::End => Step::End,
            // A stack that was left alone meanwhile may be gone: that is a loss, not a failed smoketest.
            Action::Phase {
                stack,
                phase: PhaseKind::Smoketest,
                ..
            } if self.seen != Some((stack, Seen::Healthy)) => Step::Work {
                intent: None,
                work: Work::Health {
                    endpoint: endpoint(state, stack),
                    stack,
                },
            },
            Action::Phase {
                stack,
                phase,
                recorded,
            } => Step::Work {
                intent: (!recorded).then_some(Event::PhaseStarted {
                    setup: stack.setup,
                    generation: stack.generation,
                    phase,
                }),
                work: phase_work(state, stack, phase),
            },
            Action::Attempt {
                cell,
                attempt,
                stack,
                experiment_id,
            } => {
                let endpoint = endpoint(state, stack);
                let seen = self.seen.take().filter(|(seen, _)| *seen == stack);
                let Some((_, seen)) = seen else {
                    return Step::Work {
                        intent: None,
                        work: Work::Health { stack, endpoint },
                    };
                };
                let recorded = experiment_id.is_some();
                let attempt = AttemptRef {
                    cell,
                    attempt,
                    stack,
                    endpoint,
                    experiment_id: experiment_id.unwrap_or_else(|| name(cell)),
                };
                Step::Work {
                    intent: (!recorded).then(|| Event::AttemptStarted {
                        cell,
                        attempt: attempt.attempt,
                        generation: stack.generation,
                        experiment_id: attempt.experiment_id.clone(),
                    }),
                    work: match seen {
                        Seen::Healthy => Work::Attempt(attempt),
                        Seen::Broken => Work::Reap(attempt),
                    },
                }
            }
        }
    }

    /// What to record now that `work` ended like this.
    pub fn finished(&mut self, state: &State, work: &Work, finished: Finished) -> Vec<Event> {
        self.seen = None;
        match (work, finished) {
            (Work::Attempt(attempt) | Work::Reap(attempt), Finished::Attempt(outcome)) => {
                vec![Event::AttemptEnded {
                    cell: attempt.cell,
                    attempt: attempt.attempt,
                    outcome: as_recorded(state, attempt.cell, outcome),
                }]
            }
            (Work::Health { stack, .. }, Finished::Health(Health::Healthy)) => {
                self.seen = Some((*stack, Seen::Healthy));
                Vec::new()
            }
            // The attempt ends first, and goes back to the queue; then the stack is found lost.
            (Work::Health { stack, .. }, Finished::Health(Health::Broken(_)))
                if running_cell(state).is_some() =>
            {
                self.seen = Some((*stack, Seen::Broken));
                Vec::new()
            }
            (Work::Health { stack, .. }, Finished::Health(Health::Broken(failure))) => {
                vec![Event::StackLost {
                    setup: stack.setup,
                    generation: stack.generation,
                    failure,
                }]
            }
            (Work::Standup(stack), Finished::Standup(result)) => {
                let (endpoint, failure) = match result {
                    Ok(endpoint) => {
                        self.seen = Some((*stack, Seen::Healthy));
                        (Some(endpoint), None)
                    }
                    Err(failure) => (None, Some(failure)),
                };
                vec![phase_ended(*stack, PhaseKind::Standup, failure, endpoint)]
            }
            (Work::Smoketest { stack, .. }, Finished::Phase(result)) => {
                if result.is_ok() {
                    self.seen = Some((*stack, Seen::Healthy));
                }
                vec![phase_ended(*stack, PhaseKind::Smoketest, result.err(), None)]
            }
            (Work::Teardown(stack), Finished::Phase(result)) => {
                vec![phase_ended(*stack, PhaseKind::Teardown, result.err(), None)]
            }
            // Work is answered in kind; an answer of another kind says nothing about it, so it is issued again.
            _ => Vec::new(),
        }
    }

    /// What to record when everything was ended at once.
    pub fn abandoned(state: &State) -> Vec<Event> {
        let Some(cell) = running_cell(state) else {
            return Vec::new();
        };
        let attempt = state.cell(cell).and_then(|cell| cell.attempts.last());
        attempt
            .map(|attempt| Event::AttemptEnded {
                cell,
                attempt: attempt.number,
                outcome: as_recorded(state, cell, Outcome::Interrupted),
            })
            .into_iter()
            .collect()
    }
}

fn endpoint(state: &State, stack: StackRef) -> String {
    state
        .setup(stack.setup)
        .and_then(|row| row.endpoint.clone())
        .unwrap_or_default()
}

fn phase_work(state: &State, stack: StackRef, phase: PhaseKind) -> Work {
    match phase {
        PhaseKind::Standup => Work::Standup(stack),
        PhaseKind::Smoketest => Work::Smoketest {
            endpoint: endpoint(state, stack),
            stack,
        },
        PhaseKind::Run | PhaseKind::Teardown => Work::Teardown(stack),
    }
}

fn phase_ended(
    stack: StackRef,
    phase: PhaseKind,
    failure: Option<Failure>,
    endpoint: Option<String>,
) -> Event {
    Event::PhaseEnded {
        setup: stack.setup,
        generation: stack.generation,
        phase,
        failure,
        endpoint,
    }
}

/// Executors know only that they were cancelled. Whether the operator meant the cell, or the sweep was stopped and
/// the cell is to run again on resume, is told by the state. Numbers that JSON cannot hold are left out.
fn as_recorded(state: &State, cell: CellId, outcome: Outcome) -> Outcome {
    let meant = state
        .cell(cell)
        .and_then(|cell| cell.attempts.last())
        .is_some_and(|attempt| attempt.cancelling);
    match outcome {
        Outcome::Cancelled | Outcome::Interrupted if meant => Outcome::Cancelled,
        Outcome::Cancelled => Outcome::Interrupted,
        Outcome::Succeeded { mut vitals } => {
            vitals.0.retain(|_, value| value.is_finite());
            Outcome::Succeeded { vitals }
        }
        Outcome::Suspect { reasons, mut vitals } => {
            vitals.0.retain(|_, value| value.is_finite());
            Outcome::Suspect { reasons, vitals }
        }
        other => other,
    }
}

/// Whether the work that is under way is not wanted any more, and is to be cancelled.
pub fn obsolete(state: &State) -> bool {
    let stopping = match state.mode {
        Mode::Stopping(mode) => Some(mode),
        _ => None,
    };
    match state.activity.map(|activity| activity.scope) {
        Some(Scope::Attempt { cell, .. }) => {
            stopping.is_some_and(|mode| mode != StopMode::Finish)
                || state
                    .cell(cell)
                    .and_then(|cell| cell.attempts.last())
                    .is_some_and(|attempt| attempt.cancelling)
        }
        Some(Scope::Phase { setup, phase, .. }) => match phase {
            PhaseKind::Standup | PhaseKind::Smoketest => stopping.is_some() || !state.has_pending(setup),
            PhaseKind::Run | PhaseKind::Teardown => stopping == Some(StopMode::Now),
        },
        // Only the health gate is under way without a record of its own.
        None => stopping.is_some(),
    }
}
