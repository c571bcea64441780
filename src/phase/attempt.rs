//! The run phase of one cell: from its rendered profile to judged results.

use super::step::{Done, Partition, Step, StepFuture, StepResult, report};
use super::written::{self, Before};
use crate::engine::{AttemptRef, AttemptReport, Context, Failure, Health, Outcome, Scope};
use crate::harness::{self, HarnessJob, JobExit};
use crate::http;
use crate::plan::{EffectiveConfig, RenderedProfile, RunPlan, SetupPlan, SweepPlan};
use crate::platform::{Platform, StackSpec};
use crate::workspace::Instance;
use futures::future::{FutureExt, ready};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Calls that empty a vLLM server's caches.
const RESETS: [&str; 3] = ["/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"];
/// How long one of them may take.
const RESET_PATIENCE: Duration = Duration::from_secs(30);

/// One attempt of one cell.
pub struct AttemptWork<'w> {
    pub(super) plan: &'w SweepPlan,
    pub(super) instance: &'w Instance,
    pub(super) platform: &'w dyn Platform,
    pub(super) binary: &'w Path,
    pub(super) context: &'w dyn Context,
    pub(super) setup: &'w SetupPlan,
    pub(super) run: &'w RunPlan,
    pub(super) spec: StackSpec,
    pub(super) attempt: AttemptRef,
    /// What the steps so far have brought.
    pub(super) so_far: SoFar,
}

/// What one step leaves to the next.
#[derive(Clone, Default)]
pub(super) struct SoFar {
    profile: Option<RenderedProfile>,
    before: Option<Result<EffectiveConfig, Failure>>,
    job: Option<HarnessJob>,
    exit: Option<JobExit>,
    after: Option<Result<EffectiveConfig, Failure>>,
    outcome: Option<Outcome>,
}

/// A step of an attempt.
pub type AttemptStep = Step<for<'a, 'w> fn(&'a mut AttemptWork<'w>) -> StepFuture<'a>>;

/// Running one workload on a stack.
pub const RUN: &[AttemptStep] = &[
    Step {
        number: 3,
        name: "detect_endpoint",
        partition: Partition::PerStack,
        run: |work| detect_endpoint(work).boxed(),
    },
    Step {
        number: 5,
        name: "render_profiles",
        partition: Partition::PerStack,
        run: |work| ready(render_profiles(work)).boxed(),
    },
    Step {
        number: 7,
        name: "deploy_harness",
        partition: Partition::PerStack,
        run: |work| deploy_harness(work).boxed(),
    },
    Step {
        number: 8,
        name: "wait_completion",
        partition: Partition::PerStack,
        run: |work| wait_completion(work).boxed(),
    },
    Step {
        number: 9,
        name: "collect_results",
        partition: Partition::PerStack,
        run: |work| collect_results(work).boxed(),
    },
    Step {
        number: 11,
        name: "run_cleanup_post",
        partition: Partition::PostGlobal,
        run: |work| cleanup(work).boxed(),
    },
    Step {
        number: 12,
        name: "analyze_results",
        partition: Partition::PostGlobal,
        run: |work| analyze(work).boxed(),
    },
];

/// Run the steps: those of the stack up to the first that fails, those after it in any case.
pub(super) async fn run(work: &mut AttemptWork<'_>) -> AttemptReport {
    let scope = Scope::Attempt {
        cell: work.attempt.cell,
        attempt: work.attempt.attempt,
    };
    let context = work.context;
    let mut failure: Option<Failure> = None;
    for step in RUN {
        if failure.is_some() && step.partition != Partition::PostGlobal {
            continue;
        }
        let result = report(context, scope, (step.number, step.name), (step.run)(work)).await;
        failure = failure.or(result.err());
    }
    let outcome = match (work.so_far.outcome.take(), failure) {
        // The engine knows whether the operator or a stop ended it.
        _ if work.was_cancelled() => Outcome::Cancelled,
        (_, Some(failure)) => Outcome::Failed { failure },
        (Some(outcome), None) => outcome,
        (None, None) => Outcome::Failed {
            failure: Failure::new("the attempt ended without a judgement"),
        },
    };
    AttemptReport { outcome }
}

impl AttemptWork<'_> {
    fn was_cancelled(&self) -> bool {
        match &self.so_far.exit {
            Some(exit) => exit.cancelled,
            None => self.context.cancelled().is_cancelled(),
        }
    }

    fn missing(&self, what: &str) -> Failure {
        Failure::new(format!("{what} of {} is missing", self.attempt.experiment_id))
    }
}

async fn detect_endpoint(work: &mut AttemptWork<'_>) -> StepResult {
    match work.platform.health(&work.spec, &work.attempt.endpoint).await {
        Health::Healthy => Ok(Done::With(work.attempt.endpoint.clone())),
        Health::Broken(failure) => Err(failure),
    }
}

fn render_profiles(work: &mut AttemptWork<'_>) -> StepResult {
    let profile = work
        .plan
        .render_profile(work.run, &work.spec.config, &work.attempt.endpoint)
        .map_err(|error| Failure::new(error.to_string()))?;
    written::profile(work.plan, work.instance, &work.setup.name, &profile)?;
    let name = profile.name.clone();
    work.so_far.profile = Some(profile);
    Ok(Done::With(name))
}

/// Caches emptied, the stack asked what it is, the harness started. An attempt that was begun before is adopted: its
/// caches are then in use.
async fn deploy_harness(work: &mut AttemptWork<'_>) -> StepResult {
    let setup = &work.setup.name;
    let mut words = Vec::new();
    let before = if let Some(before) = Before::read(work.instance, setup, &work.attempt) {
        words.push("taken up again".to_owned());
        before
    } else {
        if work.plan.policy.reset_caches {
            words.extend(reset_caches(work).await);
        }
        let effective = work.platform.effective(&work.spec, &work.attempt.endpoint).await;
        let before = Before { effective };
        before.write(work.instance, setup, &work.attempt)?;
        before
    };
    work.so_far.before = Some(before.effective);
    let job = job(work);
    for folder in &job.folders {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", folder.display())))?;
    }
    work.so_far.job = Some(job.clone());
    if work.context.cancelled().is_cancelled() {
        return Err(Failure::new("cancelled before the harness was started"));
    }
    work.platform.launch(&job).await?;
    Ok(if words.is_empty() {
        Done::Silent
    } else {
        Done::With(words.join("; "))
    })
}

/// What did not go well with it; a stack whose caches cannot be emptied is still measured, as in the reference.
async fn reset_caches(work: &AttemptWork<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for path in RESETS {
        let url = format!("{}{path}", work.attempt.endpoint);
        match http::post(&url, &json!({}), RESET_PATIENCE).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => words.push(format!("{path} answers {}", answer.status)),
            Err(error) => words.push(format!("{path}: {error}")),
        }
    }
    words
}

/// The attempt's job. It follows from the plan and the attempt's name alone, so what an earlier engine started is found
/// however little of the attempt was done again.
fn job(work: &AttemptWork<'_>) -> HarnessJob {
    let profile = written::profile_path(work.plan, work.instance, &work.setup.name, &work.run.profile_name);
    let folders = (1..=work.plan.parallelism)
        .map(|index| {
            work.instance
                .results(&work.setup.name, &work.attempt.experiment_id, index)
        })
        .collect();
    super::launch::job(work, &profile, folders)
}

async fn wait_completion(work: &mut AttemptWork<'_>) -> StepResult {
    let job = work.so_far.job.as_ref().ok_or_else(|| work.missing("the job"))?;
    let exit = work.platform.wait(job, work.context).await?;
    let cancelled = exit.cancelled;
    work.so_far.exit = Some(exit);
    if cancelled {
        return Err(Failure::new("cancelled"));
    }
    Ok(Done::Silent)
}

async fn collect_results(work: &mut AttemptWork<'_>) -> StepResult {
    let job = work.so_far.job.as_ref().ok_or_else(|| work.missing("the job"))?;
    work.platform.collect(job, work.context).await?;
    work.so_far.after = Some(work.platform.effective(&work.spec, &work.attempt.endpoint).await);
    Ok(Done::Silent)
}

/// Nothing of the attempt stays: not even a harness that an earlier engine started, where this one came no further than
/// to a stack that is gone.
async fn cleanup(work: &mut AttemptWork<'_>) -> StepResult {
    let job = job(work);
    if !job.folders.iter().any(|folder| folder.exists()) {
        return Ok(Done::Skipped("no harness was started".to_owned()));
    }
    work.platform.reap(&job).await?;
    Ok(Done::Silent)
}

async fn analyze(work: &mut AttemptWork<'_>) -> StepResult {
    let so_far = work.so_far.clone();
    let (Some(profile), Some(job), Some(exit), Some(before), Some(after)) = (
        so_far.profile,
        so_far.job,
        so_far.exit,
        so_far.before,
        so_far.after,
    ) else {
        return Ok(Done::Skipped("there are no results to judge".to_owned()));
    };
    let planned = written::planned(work.setup);
    let (policy, failure_limit) = (work.plan.policy, work.plan.failure_limit);
    // Every result file is read for its checksum; the screen must not wait for that.
    let judging = tokio::task::spawn_blocking(move || {
        harness::judge::judge(&harness::judge::Evidence {
            job: &job,
            exit: &exit,
            profile: &profile.value,
            planned: &planned,
            before: before.as_ref(),
            after: after.as_ref(),
            policy: &policy,
            failure_limit,
        })
    });
    let outcome = judging
        .await
        .map_err(|error| Failure::new(format!("the results could not be judged: {error}")))?;
    let verdict = match outcome {
        Outcome::Succeeded { .. } => "all of it can be trusted",
        Outcome::Suspect { .. } => "something about it cannot be trusted",
        _ => "nothing that can be used",
    };
    work.so_far.outcome = Some(outcome);
    Ok(Done::With(verdict.to_owned()))
}
