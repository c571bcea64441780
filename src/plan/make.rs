//! From what was asked for to a plan, or to everything that is wrong with it in one pass.

use super::base::{assignments, base, get_command, measured, ordered};
use super::base_dir::Document;
use super::flags::Flags;
use super::merge::get;
use super::profile::{BUILTIN, BUILTIN_READS};
use super::remark::{PlanError, Remark};
use super::request::Request;
use super::sweep::{PlatformKind, SweepPlan};
use super::treatments::{runs, setups};
use crate::diagnostic::Span;
use crate::experiment::{Override, OverrideTarget};
use serde_json::Value;
use std::time::Duration;

/// Seconds a harness may take where neither flag nor config says.
const WAIT: u64 = 3600;

/// Plan a sweep.
pub fn make(request: &Request) -> Result<SweepPlan, PlanError> {
    let mut remarks = Vec::new();
    let Some(mut plan) = without_treatments(request, &mut remarks) else {
        return Err(PlanError { remarks });
    };
    let local = plan.platform == PlatformKind::Local;
    let config = plan.resolve(&[], &plan.stack, local, plan.flags.token).config;
    plan.simulated = local && get_command(&config).is_none();
    the_rest(&mut plan, request, &config, &mut remarks);
    if !request.design.runs.is_empty() {
        remarks.extend(only_one(&plan));
    }
    setups(&mut plan, &request.design.setups, &mut remarks);
    runs(&mut plan, &request.design.runs, &request.cwd, &mut remarks);
    let remarks = Remark::without_repeats(remarks);
    if remarks.iter().any(|remark| remark.finding.is_error()) {
        return Err(PlanError { remarks });
    }
    plan.warnings = remarks;
    Ok(plan)
}

/// The plan before its first treatment, without what its config decides. Without spec and scenario there is none, since
/// there is nothing to check treatments against.
fn without_treatments(request: &Request, remarks: &mut Vec<Remark>) -> Option<SweepPlan> {
    let flags = Flags::new(request).unwrap_or_else(|message| {
        remarks.push(Remark::error(message));
        Flags::default()
    });
    remarks.extend(flags.warnings.iter().map(Remark::warning));
    let sets = assignments(&request.set, "--set", true, remarks);
    let profile_overrides = assignments(&request.overrides, "-o", false, remarks)
        .into_iter()
        .map(|one| Override {
            target: OverrideTarget::Path(one.path),
            value: one.value,
            span: Span::default(),
        })
        .collect();
    let base = base(request).map_err(|more| remarks.extend(more)).ok()?;
    let design = &request.design;
    let experiment_file = Document {
        name: request.source.name.clone(),
        text: String::from_utf8_lossy(&request.source.text).into(),
    };
    let stack = measured(&base.stacks, &flags.stacks, remarks)?;
    remarks.extend(base.surprises(&sets));
    remarks.extend(base.schema.treatments(&experiment_file, &design.setups));
    Some(SweepPlan {
        experiment: design.experiment.name.clone(),
        experiment_file,
        stack,
        platform: request.platform,
        simulated: false,
        harness: String::new(),
        profile_harness: String::new(),
        profile: String::new(),
        dataset_url: first([request.dataset.clone(), design.experiment.dataset_url.clone()]),
        parallelism: request.parallelism.max(1),
        policy: design.policy,
        failure_limit: 0.0,
        timeout: None,
        stop_on_error: request.stop_on_error,
        skip_teardown: request.skip_teardown,
        setups: Vec::with_capacity(design.setups.len()),
        runs: Vec::with_capacity(design.runs.len()),
        warnings: Vec::new(),
        sweep_id: uuid::Uuid::new_v4().simple().to_string(),
        sets: ordered(sets, &base.stacks, remarks),
        scenario: stem(&base.spec.scenario.name),
        stacks: base.stacks,
        known: base.known,
        cluster_config: base.cluster_config,
        overlays: base.overlays,
        flags,
        cluster: request.cluster.clone(),
        versions: request.versions.clone(),
        profiles: Vec::new(),
        profile_overrides,
        spec: base.spec,
    })
}

/// That a sweep measures one stack, where several are planned.
fn only_one(plan: &SweepPlan) -> Option<Remark> {
    let stacks = plan.stacks();
    let message = format!(
        "the scenario has {} stacks; only {} is measured",
        plan.stacks.len(),
        plan.stack
    );
    let help = format!("--stack chooses another one of {}", stacks.join(", "));
    (stacks.len() > 1).then(|| Remark::warning(message).with_help(help))
}

/// What the config says about how to run, where flags and experiment say nothing.
fn the_rest(plan: &mut SweepPlan, request: &Request, config: &Value, remarks: &mut Vec<Remark>) {
    (plan.harness, plan.profile_harness) = harness(request, config, plan.simulated, remarks);
    plan.profile = first([
        request.workload.clone(),
        request.design.experiment.profile.clone(),
        text(config, &["harness", "experimentProfile"]),
        text(config, &["harness", "profile"]),
    ])
    .unwrap_or_else(|| "sanity_random".to_owned());
    let wait = request
        .wait_timeout
        .or_else(|| get(config, &["harness", "waitTimeout"])?.as_u64())
        .unwrap_or(WAIT);
    plan.timeout = (wait > 0).then(|| Duration::from_secs(wait));
    plan.failure_limit = get(config, &["harness", "failureLimit"])
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
}

/// What generates the load, and whose profiles it reads.
fn harness(
    request: &Request,
    config: &Value,
    simulated: bool,
    remarks: &mut Vec<Remark>,
) -> (String, String) {
    let named = first([
        request.design.experiment.harness.clone(),
        text(config, &["harness", "name"]),
    ])
    .unwrap_or_else(|| BUILTIN.to_owned());
    let is_read = BUILTIN_READS.contains(&named.as_str());
    if let Some(asked) = request.harness.clone() {
        // The built-in load generator takes the experiment's profile as it is.
        let written_for = if asked == BUILTIN && is_read {
            named
        } else {
            asked.clone()
        };
        return (asked, written_for);
    }
    // A rehearsal should need nothing that is not in this binary.
    if simulated && named != BUILTIN && is_read {
        remarks.push(
            Remark::warning(format!(
                "rehearsal: the built-in load generator stands in for {named}"
            ))
            .with_help(format!("-l {named} runs {named} itself, where it is installed")),
        );
        return (BUILTIN.to_owned(), named);
    }
    (named.clone(), named)
}

/// The name of a file without its folder and its last suffix.
fn stem(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => file.to_owned(),
    }
}

fn text(config: &Value, path: &[&str]) -> Option<String> {
    get(config, path).and_then(Value::as_str).map(str::to_owned)
}

/// The first that says something.
fn first<const N: usize>(candidates: [Option<String>; N]) -> Option<String> {
    candidates
        .into_iter()
        .flatten()
        .find(|candidate| !candidate.trim().is_empty())
}
