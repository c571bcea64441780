//! What the engine asks of the world. `phase::PhaseExecutor` answers with real platforms, the model tests with a
//! simulated one in virtual time.

use super::event::{Failure, LogSource, Outcome, Progress, Scope, StepOutcome};
use crate::experiment::{CellId, SetupId};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

/// Names a stack: the `generation`-th standup of a setup. Everything a platform creates for it is named after it,
/// so that asking again finds what is there instead of making a second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StackRef {
    /// The row.
    pub setup: SetupId,
    /// From 1.
    pub generation: u32,
}

/// Names an attempt of a cell, and with `experiment_id` its files and processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttemptRef {
    /// The cell.
    pub cell: CellId,
    /// From 1.
    pub attempt: u32,
    /// The stack it runs on.
    pub stack: StackRef,
    /// Where that stack answers.
    pub endpoint: String,
    /// Recorded before anything is created; the same after a resume.
    pub experiment_id: String,
}

/// What a finished attempt amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptReport {
    /// Judged: honest green, suspect, failed, cancelled.
    pub outcome: Outcome,
}

/// The health gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Go on.
    Healthy,
    /// The stack cannot be measured any more.
    Broken(Failure),
}

/// How work reports what it does while it does it.
///
/// The engine turns reports into events; steps are recorded, progress is not.
pub trait Context: Send + Sync {
    /// A step begins. Returns once that is on disk.
    fn step_started(&self, scope: Scope, number: u8, name: &str) -> BoxFuture<'_, ()>;
    /// A step ended. Returns once that is queued; it is on disk before anything that happens later, and at most
    /// 5 ms after.
    fn step_ended(&self, scope: Scope, number: u8, outcome: StepOutcome) -> BoxFuture<'_, ()>;
    /// A log file can be followed. Returns like [`step_ended`](Self::step_ended).
    fn log_seen(&self, scope: Scope, source: LogSource) -> BoxFuture<'_, ()>;
    /// How far something is. Never waits; may be dropped when nobody keeps up.
    fn progress(&self, progress: Progress);
    /// Cancelled when the operator or a stop ends this work. Work answers by ending cleanly and soon.
    fn cancelled(&self) -> &CancellationToken;
}

/// Does the engine's work. Every verb is idempotent: called again for the same reference after a crash it adopts what
/// is there, and returns as if it had done it all itself.
pub trait Executor: Send + Sync + 'static {
    /// Bring the stack up; returns its endpoint.
    fn standup<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<String, Failure>>;

    /// See that the stack answers and is what was planned.
    fn smoketest<'a>(
        &'a self,
        stack: StackRef,
        endpoint: &'a str,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// The gate between cells: quick, no side effects.
    fn health<'a>(&'a self, stack: StackRef, endpoint: &'a str) -> BoxFuture<'a, Health>;

    /// Run one attempt from rendered profile to judged results, or adopt the one that runs or ran. Cancellation may have
    /// been asked for already: then nothing is started, and what runs or ran under this name is ended or collected.
    fn attempt<'a>(&'a self, attempt: AttemptRef, context: &'a dyn Context) -> BoxFuture<'a, AttemptReport>;

    /// Take the stack down, with all that belongs to it. Also for stacks of which only traces are left.
    fn teardown<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// End everything of the sweep at once, collecting nothing (second Ctrl-C).
    fn abandon(&self) -> BoxFuture<'_, ()>;
}
