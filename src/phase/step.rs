//! Steps as data. A phase is a table of them; the table a user reads, the one that runs and the one that is recorded
//! are one.

use crate::engine::{Context, Failure, Scope, StepOutcome};
use futures::future::BoxFuture;

/// When a step runs in phases of several stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Partition {
    /// Once, before all stacks.
    PreGlobal,
    /// For each stack.
    PerStack,
    /// Once, after all stacks, even if they failed.
    PostGlobal,
}

/// One step of a phase; `F` does it.
#[derive(Debug, Clone, Copy)]
pub struct Step<F> {
    /// Its number in the phase, as llm-d-benchmark counts; unique in a table, and in order.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// When it runs.
    pub partition: Partition,
    /// What it does.
    pub run: F,
}

/// How a step went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// Without a word.
    Silent,
    /// With a word on what was done.
    With(String),
    /// There was nothing to do, and why.
    Skipped(String),
}

/// What a step comes to.
pub type StepResult = Result<Done, Failure>;
/// A step under way.
pub type StepFuture<'a> = BoxFuture<'a, StepResult>;

/// See a step through, with its beginning and its end on record.
pub(super) async fn report(
    context: &dyn Context,
    scope: Scope,
    (number, name): (u8, &str),
    step: StepFuture<'_>,
) -> Result<(), Failure> {
    context.step_started(scope, number, name).await;
    let result = step.await;
    let outcome = match &result {
        Ok(Done::Silent) => StepOutcome::Done { detail: None },
        Ok(Done::With(detail)) => StepOutcome::Done {
            detail: Some(detail.clone()),
        },
        Ok(Done::Skipped(why)) => StepOutcome::Skipped { why: why.clone() },
        Err(_) if context.cancelled().is_cancelled() => StepOutcome::Cancelled,
        Err(failure) => StepOutcome::Failed {
            failure: failure.clone(),
        },
    };
    context.step_ended(scope, number, outcome).await;
    result.map(|_| ())
}
