//! The four phases as step tables; answers the engine's [`Executor`] with a platform.
//!
//! [`STANDUP`], [`SMOKETEST`], [`RUN`] and [`TEARDOWN`] are the tables, numbered and named as in llm-d-benchmark.
//! [`PhaseExecutor`] finds out which stack or attempt is meant, and sees the steps of the table through. It remembers
//! nothing: everything is named by what the engine recorded, so that the same question finds what is there.

mod attempt;
mod launch;
mod stack;
mod step;
#[cfg(test)]
mod tests;
mod written;

pub use attempt::{AttemptStep, AttemptWork, RUN};
pub use stack::{SMOKETEST, STANDUP, StackStep, StackWork, TEARDOWN};
pub use step::{Done, Partition, Step, StepFuture, StepResult};

use crate::engine::{
    AttemptRef, AttemptReport, Context, Executor, Failure, Health, Outcome, PhaseKind, StackRef,
};
use crate::experiment::SetupId;
use crate::harness;
use crate::plan::{SetupPlan, SweepPlan};
use crate::platform::{Platform, StackSpec};
use crate::workspace::Instance;
use futures::future::{BoxFuture, FutureExt};
use std::path::PathBuf;
use std::sync::Arc;

/// Does the engine's work by the step tables.
pub struct PhaseExecutor {
    plan: Arc<SweepPlan>,
    instance: Instance,
    platform: Arc<dyn Platform>,
    binary: PathBuf,
}

impl PhaseExecutor {
    /// The executor of one sweep. `binary` is this program, which also generates load.
    pub fn new(
        plan: Arc<SweepPlan>,
        instance: &Instance,
        platform: Arc<dyn Platform>,
        binary: impl Into<PathBuf>,
    ) -> Self {
        Self {
            plan,
            instance: instance.absolute(),
            platform,
            binary: binary.into(),
        }
    }

    fn setup(&self, setup: SetupId) -> Result<&SetupPlan, Failure> {
        self.plan.setup(setup).ok_or_else(|| {
            Failure::new(format!("setup treatment {} is not part of the plan", setup.0 + 1))
                .with_hint("the experiment may have been edited since; resume the sweep to plan it again")
        })
    }

    fn spec(&self, stack: StackRef, setup: &SetupPlan) -> StackSpec {
        StackSpec {
            stack,
            setup_name: setup.name.clone(),
            config: self.plan.config(setup),
            folder: self.instance.stack(&setup.name, stack.generation),
        }
    }

    async fn phase(
        &self,
        steps: &[StackStep],
        phase: PhaseKind,
        stack: StackRef,
        endpoint: &str,
        context: &dyn Context,
    ) -> Result<String, Failure> {
        let setup = self.setup(stack.setup)?;
        let mut work = StackWork {
            plan: &self.plan,
            instance: &self.instance,
            platform: self.platform.as_ref(),
            context,
            setup,
            spec: self.spec(stack, setup),
            endpoint: endpoint.to_owned(),
        };
        stack::run(steps, phase, &mut work).await?;
        Ok(work.endpoint)
    }

    async fn run(&self, attempt: AttemptRef, context: &dyn Context) -> Result<AttemptReport, Failure> {
        let setup = self.setup(attempt.cell.setup)?;
        let run = self.plan.run(attempt.cell.run).ok_or_else(|| {
            Failure::new(format!(
                "run treatment {} is not part of the plan",
                attempt.cell.run.0 + 1
            ))
        })?;
        let mut work = AttemptWork {
            plan: &self.plan,
            instance: &self.instance,
            platform: self.platform.as_ref(),
            binary: &self.binary,
            context,
            setup,
            run,
            spec: self.spec(attempt.stack, setup),
            attempt,
            so_far: attempt::SoFar::default(),
        };
        Ok(attempt::run(&mut work).await)
    }
}

impl Executor for PhaseExecutor {
    fn standup<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        self.phase(STANDUP, PhaseKind::Standup, stack, "", context)
            .boxed()
    }

    fn smoketest<'a>(
        &'a self,
        stack: StackRef,
        endpoint: &'a str,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let phase = self.phase(SMOKETEST, PhaseKind::Smoketest, stack, endpoint, context);
        async move { phase.await.map(|_| ()) }.boxed()
    }

    fn health<'a>(&'a self, stack: StackRef, endpoint: &'a str) -> BoxFuture<'a, Health> {
        async move {
            match self.setup(stack.setup) {
                Ok(setup) => self.platform.health(&self.spec(stack, setup), endpoint).await,
                Err(failure) => Health::Broken(failure),
            }
        }
        .boxed()
    }

    fn attempt<'a>(&'a self, attempt: AttemptRef, context: &'a dyn Context) -> BoxFuture<'a, AttemptReport> {
        async move {
            self.run(attempt, context)
                .await
                .unwrap_or_else(|failure| AttemptReport {
                    outcome: Outcome::Failed { failure },
                })
        }
        .boxed()
    }

    fn teardown<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let phase = self.phase(TEARDOWN, PhaseKind::Teardown, stack, "", context);
        async move { phase.await.map(|_| ()) }.boxed()
    }

    fn abandon(&self) -> BoxFuture<'_, ()> {
        self.platform.abandon()
    }
}

/// Everything that is missing to run a plan on a platform, in one pass and each thing once.
pub async fn preflight(plan: &SweepPlan, instance: &Instance, platform: &dyn Platform) -> Vec<Failure> {
    let mut missing: Vec<Failure> = Vec::new();
    for (index, setup) in plan.setups.iter().enumerate() {
        // One at a time, so that a thousand configs are never in memory together.
        let spec = StackSpec {
            stack: StackRef {
                setup: SetupId(index as u32),
                generation: 1,
            },
            setup_name: setup.name.clone(),
            config: plan.config(setup),
            folder: instance.stack(&setup.name, 1),
        };
        for failure in platform
            .preflight(std::slice::from_ref(&spec), &plan.harness)
            .await
        {
            if !missing.contains(&failure) {
                missing.push(failure);
            }
        }
    }
    missing.extend(unreadable_profiles(plan));
    missing
}

/// Profiles that the built-in load generator cannot run: told before a stack is up, each reason once.
pub fn unreadable_profiles(plan: &SweepPlan) -> Vec<Failure> {
    let Some(setup) = plan.setups.first().filter(|_| plan.harness == harness::BUILTIN) else {
        return Vec::new();
    };
    let config = plan.config(setup);
    let mut reasons: Vec<String> = Vec::new();
    let mut failures = Vec::new();
    for run in &plan.runs {
        let read = plan
            .render_profile(run, &config, "http://127.0.0.1")
            .map_err(|error| error.to_string())
            .and_then(|profile| {
                harness::builtin::profile::read(&profile.value).map_err(|error| error.to_string())
            });
        if let Err(reason) = read
            && !reasons.contains(&reason)
        {
            failures.push(
                Failure::new(format!(
                    "run treatment {}: {}: {reason}",
                    run.name, run.profile_name
                ))
                .with_hint("`-l builtin -w quickstart` puts a load of its own on the stack"),
            );
            reasons.push(reason);
        }
    }
    failures
}
