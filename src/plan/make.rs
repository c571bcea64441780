//! From what was asked for to a plan, or to everything that is wrong with it in one pass.

use super::base::{assignments, base, get_command, give_local_section};
use super::base_dir::Document;
use super::flags::Flags;
use super::merge::get;
use super::profile::{self, BUILTIN, BUILTIN_READS, Profile};
use super::remark::{PlanError, Remark};
use super::sweep::{PlatformKind, RunPlan, SetupPlan, SweepPlan};
use super::{fingerprint, shape};
use crate::diagnostic::{Finding, Span};
use crate::experiment::{Design, Override, OverrideTarget, RunTreatment, SetupTreatment, Source};
use crate::yaml;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Seconds a harness may take where neither flag nor config says.
const WAIT: u64 = 3600;

/// What the operator asks for: an experiment on a spec, and what the flags say.
#[derive(Debug, Clone)]
pub struct Request {
    /// `--spec`: a name, a name with its folder, or a path.
    pub spec: String,
    /// `--base-dir`: a checkout of llm-d-benchmark; the embedded one where absent.
    pub base_dir: Option<PathBuf>,
    /// The folder in which paths of flags start.
    pub cwd: PathBuf,
    /// The experiment file as it was read.
    pub source: Source,
    /// Its treatments.
    pub design: Design,
    /// `-l`: beats the experiment's and the scenario's harness.
    pub harness: Option<String>,
    /// `-w`: beats the experiment's and the scenario's profile, not a treatment's.
    pub workload: Option<String>,
    /// `-x`: beats the experiment's data set.
    pub dataset: Option<String>,
    /// `-o`, each `key=value[,…]` for the profile.
    pub overrides: Vec<String>,
    /// `--set`, each `[stack:]key=value[,…]` for the config.
    pub set: Vec<String>,
    /// `--cluster-config`: a file laid over every stack of the scenario, under `--set`.
    pub cluster_config: Option<PathBuf>,
    /// `-p`.
    pub namespace: Option<String>,
    /// `-t`.
    pub methods: Option<String>,
    /// `-m`.
    pub models: Option<String>,
    /// `--run-description`: beats the config's `description.text`.
    pub description: Option<String>,
    /// `--run-keywords`: beats the config's `description.keywords`.
    pub keywords: Option<String>,
    /// `--stack`: which entry of the scenario.
    pub stack: Option<String>,
    /// `-j`; 0 counts as 1.
    pub parallelism: u32,
    /// `--wait-timeout`, in seconds; 0 waits for ever.
    pub wait_timeout: Option<u64>,
    /// `--stop-on-error`.
    pub stop_on_error: bool,
    /// `--skip-teardown`.
    pub skip_teardown: bool,
    /// `--platform`.
    pub platform: PlatformKind,
}

impl Request {
    /// A request without flags: `design` on the spec called `spec`, on this machine.
    pub fn new(spec: impl Into<String>, source: Source, design: Design) -> Self {
        Self {
            spec: spec.into(),
            base_dir: None,
            cwd: PathBuf::from("."),
            source,
            design,
            harness: None,
            workload: None,
            dataset: None,
            overrides: Vec::new(),
            set: Vec::new(),
            cluster_config: None,
            namespace: None,
            methods: None,
            models: None,
            description: None,
            keywords: None,
            stack: None,
            parallelism: 1,
            wait_timeout: None,
            stop_on_error: false,
            skip_teardown: false,
            platform: PlatformKind::Local,
        }
    }
}

/// Plan a sweep.
pub fn make(request: &Request) -> Result<SweepPlan, PlanError> {
    let mut remarks = Vec::new();
    let file = Document {
        name: request.source.name.clone(),
        text: String::from_utf8_lossy(&request.source.text).into(),
    };
    let flags = Flags::new(
        request.namespace.as_deref(),
        request.models.as_deref(),
        request.methods.as_deref(),
    )
    .unwrap_or_else(|message| {
        remarks.push(Remark::error(message));
        Flags::default()
    });
    remarks.extend(flags.warnings.iter().map(Remark::warning));
    let sets = assignments(&request.set, "--set", true, &mut remarks);
    let profile_overrides = assignments(&request.overrides, "-o", false, &mut remarks)
        .into_iter()
        .map(|one| Override {
            target: OverrideTarget::Path(one.path),
            value: one.value,
            span: Span::default(),
        })
        .collect();
    // Without a base there is nothing to check the treatments against.
    let (spec, known, mut stack) = match base(request, &sets, &mut remarks) {
        Ok(base) => base,
        Err(more) => {
            remarks.extend(more);
            return Err(PlanError { remarks });
        }
    };
    let simulated = request.platform == PlatformKind::Local && get_command(&stack.config).is_none();
    if request.platform == PlatformKind::Local {
        give_local_section(&mut stack.config, &known);
    }
    for (key, given) in [("text", &request.description), ("keywords", &request.keywords)] {
        if let Some(given) = given {
            super::merge::set(&mut stack.config, &["description", key], given.as_str().into());
        }
    }
    let design = &request.design;
    let (harness, profile_harness) = harness(request, &stack.config, simulated, &mut remarks);
    let profile = first([
        request.workload.clone(),
        design.experiment.profile.clone(),
        text(&stack.config, &["harness", "experimentProfile"]),
        text(&stack.config, &["harness", "profile"]),
    ])
    .unwrap_or_else(|| "sanity_random".to_owned());
    let wait = request
        .wait_timeout
        .or_else(|| get(&stack.config, &["harness", "waitTimeout"])?.as_u64())
        .unwrap_or(WAIT);
    let mut plan = SweepPlan {
        experiment: design.experiment.name.clone(),
        experiment_file: file,
        stack: stack.name,
        platform: request.platform,
        simulated,
        harness,
        profile_harness,
        profile,
        dataset_url: first([request.dataset.clone(), design.experiment.dataset_url.clone()]),
        parallelism: request.parallelism.max(1),
        policy: design.policy,
        failure_limit: get(&stack.config, &["harness", "failureLimit"])
            .and_then(Value::as_f64)
            .unwrap_or(0.0),
        timeout: (wait > 0).then(|| Duration::from_secs(wait)),
        stop_on_error: request.stop_on_error,
        skip_teardown: request.skip_teardown,
        setups: Vec::with_capacity(design.setups.len()),
        runs: Vec::with_capacity(design.runs.len()),
        warnings: Vec::new(),
        sweep_id: uuid::Uuid::new_v4().simple().to_string(),
        base: stack.config,
        known,
        flags,
        profiles: Vec::new(),
        profile_overrides,
        spec,
    };
    for treatment in &design.setups {
        setup(&mut plan, treatment, &mut remarks);
    }
    runs(&mut plan, &design.runs, &mut remarks);
    let remarks = Remark::without_repeats(remarks);
    if remarks.iter().any(|remark| remark.finding.is_error()) {
        return Err(PlanError { remarks });
    }
    plan.warnings = remarks;
    Ok(plan)
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

fn setup(plan: &mut SweepPlan, treatment: &SetupTreatment, remarks: &mut Vec<Remark>) {
    let (config, findings, preset) = plan.resolve(&treatment.overrides);
    let errors = findings.iter().any(Finding::is_error);
    for finding in findings {
        // A constant stands once in the file, however many treatments it is in.
        let remark = Remark::within(&plan.experiment_file, finding);
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    let shape = match (preset, shape::of(&config)) {
        (None, Ok(shape)) => shape,
        (Some(message), _) | (None, Err(message)) => {
            // Overrides that missed may be the reason, and are told already.
            if !errors {
                let message = format!("setup treatment {}: {message}", treatment.name);
                remarks.push(Remark::within(
                    &plan.experiment_file,
                    Finding::error(treatment.span, message),
                ));
            }
            return;
        }
    };
    plan.setups.push(SetupPlan {
        name: treatment.name.clone(),
        levels: treatment.levels.clone(),
        shape,
        fingerprint: fingerprint::of_config(&config),
        overrides: treatment.overrides.clone(),
    });
}

fn runs(plan: &mut SweepPlan, treatments: &[RunTreatment], remarks: &mut Vec<Remark>) {
    let mut parsed: Vec<(String, Option<(usize, Value)>)> = Vec::new();
    for treatment in treatments {
        let name = treatment.profile.clone().unwrap_or_else(|| plan.profile.clone());
        let position = parsed.iter().position(|(known, _)| *known == name);
        let position = position.unwrap_or_else(|| {
            let loaded = load(plan, &name).map_err(|remark| remarks.push(remark)).ok();
            let loaded = loaded.map(|(profile, value)| {
                plan.profiles.push(profile);
                (plan.profiles.len() - 1, value)
            });
            parsed.push((name.clone(), loaded));
            parsed.len() - 1
        });
        if let Some((_, Some((index, value)))) = parsed.get(position) {
            run(plan, treatment, *index, value.clone(), remarks);
        }
    }
    if let Some(profile) = plan.profiles.first() {
        plan.profile.clone_from(&profile.stem);
        plan.profile_harness.clone_from(&profile.harness);
    }
}

fn load(plan: &SweepPlan, name: &str) -> Result<(Profile, Value), Remark> {
    let profile = profile::find(&plan.spec.base_dir, &plan.harness, &plan.profile_harness, name)?;
    let value = yaml::from_str(&profile.template.text)
        .map_err(|finding| Remark::within(&profile.template, finding))?;
    Ok((profile, value))
}

fn run(
    plan: &mut SweepPlan,
    treatment: &RunTreatment,
    profile: usize,
    mut value: Value,
    remarks: &mut Vec<Remark>,
) {
    let stem = plan
        .profiles
        .get(profile)
        .map_or("", |profile| profile.stem.as_str());
    let mut run = RunPlan {
        name: treatment.name.clone(),
        levels: treatment.levels.clone(),
        profile_name: format!("{stem}-{}", treatment.name),
        fingerprint: String::new(),
        profile,
        overrides: treatment.overrides.clone(),
    };
    let [own, asked] = plan.override_profile(&mut value, &run);
    let own = own
        .into_iter()
        .map(|finding| Remark::within(&plan.experiment_file, finding));
    let asked = asked.into_iter().map(|mut finding| {
        finding.message = format!("-o: {}", finding.message);
        Remark {
            document: None,
            finding,
        }
    });
    for remark in own.chain(asked) {
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    run.fingerprint = fingerprint::of_run(&plan.harness, &value, plan.parallelism);
    plan.runs.push(run);
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
