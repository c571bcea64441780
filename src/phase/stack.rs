//! Standup, smoketest and teardown of a stack.

use super::step::{Done, Partition, Step, StepFuture, StepResult, report};
use super::written;
use crate::engine::{Context, Failure, Health, PhaseKind, Scope};
use crate::http;
use crate::plan::{SetupPlan, SweepPlan};
use crate::platform::{Platform, RunningStack, StackSpec};
use crate::text::sanitize;
use crate::workspace::Instance;
use futures::future::FutureExt;
use serde_json::json;
use std::time::Duration;

/// How long the first answer of a stack may take, as in llm-d-benchmark.
const FIRST_ANSWER: Duration = Duration::from_mins(2);
/// Pauses between tries while the stack says that it is not ready yet.
const RETRIES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// One phase of one stack.
pub struct StackWork<'w> {
    pub(super) plan: &'w SweepPlan,
    pub(super) instance: &'w Instance,
    pub(super) platform: &'w dyn Platform,
    pub(super) context: &'w dyn Context,
    pub(super) setup: &'w SetupPlan,
    pub(super) spec: StackSpec,
    /// Empty until the stack is up.
    pub(super) endpoint: String,
}

/// A step of a stack's phases.
pub type StackStep = Step<for<'a, 'w> fn(&'a mut StackWork<'w>) -> StepFuture<'a>>;

/// Bringing a stack up.
pub const STANDUP: &[StackStep] = &[
    Step {
        number: 0,
        name: "ensure_infra",
        partition: Partition::PreGlobal,
        run: |work| ensure_infra(work).boxed(),
    },
    Step {
        number: 6,
        name: "local_deploy",
        partition: Partition::PerStack,
        run: |work| deploy(work).boxed(),
    },
];

/// Seeing that it answers, and is what was planned.
pub const SMOKETEST: &[StackStep] = &[
    Step {
        number: 0,
        name: "health_check",
        partition: Partition::PerStack,
        run: |work| health_check(work).boxed(),
    },
    Step {
        number: 1,
        name: "inference_test",
        partition: Partition::PerStack,
        run: |work| inference_test(work).boxed(),
    },
    Step {
        number: 2,
        name: "validate_config",
        partition: Partition::PerStack,
        run: |work| validate_config(work).boxed(),
    },
];

/// Taking it down.
pub const TEARDOWN: &[StackStep] = &[Step {
    number: 6,
    name: "local_teardown",
    partition: Partition::PerStack,
    run: |work| take_down(work).boxed(),
}];

/// Run a phase's steps in order, up to the first that fails.
pub(super) async fn run(
    steps: &[StackStep],
    phase: PhaseKind,
    work: &mut StackWork<'_>,
) -> Result<(), Failure> {
    let scope = Scope::Phase {
        setup: work.spec.stack.setup,
        generation: work.spec.stack.generation,
        phase,
    };
    let context = work.context;
    for step in steps {
        report(context, scope, (step.number, step.name), (step.run)(work)).await?;
    }
    Ok(())
}

/// The resolved config is on disk, and everything the stack needs is there.
async fn ensure_infra(work: &mut StackWork<'_>) -> StepResult {
    written::config(work.plan, work.instance, &work.spec)?;
    std::fs::create_dir_all(&work.spec.folder).map_err(|error| {
        Failure::new(format!("cannot create {}: {error}", work.spec.folder.display()))
            .with_hint("look at the disk's space and the folder's permissions")
    })?;
    let specs = std::slice::from_ref(&work.spec);
    let missing = work.platform.preflight(specs, &work.plan.harness).await;
    match missing.as_slice() {
        [] => Ok(Done::Silent),
        [one] => Err(one.clone()),
        several => {
            let reasons: Vec<&str> = several.iter().map(|failure| failure.reason.as_str()).collect();
            let hints: Vec<&str> = several
                .iter()
                .filter_map(|failure| failure.hint.as_deref())
                .collect();
            Err(Failure::new(reasons.join("; ")).with_hint(hints.join("; ")))
        }
    }
}

async fn deploy(work: &mut StackWork<'_>) -> StepResult {
    let RunningStack { endpoint } = work.platform.standup(&work.spec, work.context).await?;
    let simulated = if work.plan.simulated { ", SIMULATED" } else { "" };
    let detail = format!("{} at {endpoint}{simulated}", work.setup.shape);
    work.endpoint = endpoint;
    Ok(Done::With(detail))
}

async fn health_check(work: &mut StackWork<'_>) -> StepResult {
    match work.platform.health(&work.spec, &work.endpoint).await {
        Health::Healthy => Ok(Done::Silent),
        Health::Broken(failure) => Err(failure),
    }
}

/// One short completion. Where the stack knows only chat, that counts too.
async fn inference_test(work: &mut StackWork<'_>) -> StepResult {
    let mut pauses = RETRIES.iter();
    loop {
        let failure = match first_text(work).await {
            Ok(text) => return Ok(Done::With(format!("it answers: {}", sanitize(text.trim())))),
            Err(NoText::Final(failure)) => return Err(with_condition(work, failure).await),
            Err(NoText::NotYet(failure)) => failure,
        };
        let Some(pause) = pauses.next() else {
            return Err(failure);
        };
        tokio::select! {
            () = tokio::time::sleep(*pause) => {}
            () = work.context.cancelled().cancelled() => return Err(Failure::new("cancelled")),
        }
    }
}

/// A server that died under the request tells more than a connection that broke.
async fn with_condition(work: &StackWork<'_>, failure: Failure) -> Failure {
    if work.context.cancelled().is_cancelled() {
        return failure;
    }
    match work.platform.health(&work.spec, &work.endpoint).await {
        Health::Healthy => failure,
        Health::Broken(why) => Failure {
            reason: format!("{}; {}", failure.reason, why.reason),
            hint: why.hint.or(failure.hint),
        },
    }
}

/// Why there was no text.
enum NoText {
    /// Another try may bring some.
    NotYet(Failure),
    /// It will not get better.
    Final(Failure),
}

async fn first_text(work: &StackWork<'_>) -> Result<String, NoText> {
    let model = &work.setup.shape.model;
    let completion = json!({"model": model, "prompt": "Hello", "max_tokens": 16});
    let chat = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16});
    let mut last = NoText::Final(Failure::new("the stack was not asked"));
    for (path, body, place) in [
        ("/v1/completions", completion, "/choices/0/text"),
        ("/v1/chat/completions", chat, "/choices/0/message/content"),
    ] {
        let url = format!("{}{path}", work.endpoint);
        let asked = http::post(&url, &body, FIRST_ANSWER);
        let answer = tokio::select! {
            answer = asked => answer,
            () = work.context.cancelled().cancelled() => return Err(NoText::Final(Failure::new("cancelled"))),
        };
        last = match answer {
            Ok(answer) if answer.is_success() => {
                let text = answer
                    .json()
                    .ok()
                    .and_then(|json| Some(json.pointer(place)?.as_str()?.to_owned()));
                match text.filter(|text| !text.trim().is_empty()) {
                    Some(text) => return Ok(text),
                    None => NoText::Final(Failure::new(format!("{path} answers without any text"))),
                }
            }
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body)
                    .chars()
                    .take(200)
                    .collect::<String>();
                let failure = Failure::new(format!(
                    "{path} answers {}: {}",
                    answer.status,
                    sanitize(body.trim())
                ));
                if matches!(answer.status, 502..=504) {
                    return Err(NoText::NotYet(failure));
                }
                NoText::Final(
                    failure
                        .with_hint("the stack's log tells more; does it serve the model that is asked for?"),
                )
            }
            Err(error @ http::HttpError::Connect { .. }) => {
                return Err(NoText::NotYet(Failure::new(format!("{path}: {error}"))));
            }
            Err(error) => NoText::Final(Failure::new(format!("{path}: {error}"))),
        };
    }
    Err(last)
}

/// The stack is what was planned: model, servers, plugins.
async fn validate_config(work: &mut StackWork<'_>) -> StepResult {
    let effective = work.platform.effective(&work.spec, &work.endpoint).await?;
    let differences = written::planned(work.setup).differences(&effective);
    if differences.is_empty() {
        return Ok(Done::Silent);
    }
    Err(Failure::new(format!(
        "the stack is not what was planned: {}",
        differences.join("; ")
    ))
    .with_hint(
        "what was deployed ignores a part of the config; compare it with config.yaml in the plan folder",
    ))
}

async fn take_down(work: &mut StackWork<'_>) -> StepResult {
    work.platform.teardown(&work.spec, work.context).await?;
    Ok(Done::Silent)
}
