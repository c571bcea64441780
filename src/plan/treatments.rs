//! The rows and columns of a plan: each treatment checked once.

use super::placing::{key_in, remark};
use super::profile::{self, Profile};
use super::remark::Remark;
use super::resolve::{Problem, host_claims};
use super::shape::StackShape;
use super::sweep::{PlatformKind, RunPlan, SetupPlan, SweepPlan};
use super::{fingerprint, shape};
use crate::experiment::{Override, RunTreatment, SetupTreatment};
use crate::yaml;
use indexmap::IndexMap;
use serde_json::Value;
use std::path::Path;

/// Plan all rows.
pub(super) fn setups(plan: &mut SweepPlan, treatments: &[SetupTreatment], remarks: &mut Vec<Remark>) {
    let names: Vec<String> = plan.stacks().into_iter().map(str::to_owned).collect();
    let general = Row::new(plan, &names, &[]).problems;
    // What is wrong without any treatment is said once, and of no treatment in particular.
    let general: Vec<(Wrong, Remark)> = general
        .into_iter()
        .map(|wrong| {
            let placed = remark(plan, None, &wrong.stack, wrong.problem.clone());
            (wrong, placed)
        })
        .collect();
    let mut simulated: IndexMap<String, Vec<&str>> = IndexMap::new();
    for treatment in treatments {
        let Some(told) = setup(plan, treatment, &names, &general, remarks) else {
            continue;
        };
        simulated.entry(told).or_default().push(&treatment.name);
    }
    for alike in simulated.values().filter(|alike| alike.len() > 1) {
        remarks.push(
            Remark::warning(format!(
                "rehearsal: the same simulated servers for {}",
                listed(alike)
            ))
            .with_help(
                "what they change does not reach these servers, or is not simulated: results will not tell them apart",
            ),
        );
    }
}

/// The first few names, and how many more there are.
fn listed(names: &[&str]) -> String {
    match names.split_at_checked(8) {
        Some((first, more)) if !more.is_empty() => format!("{} and {} more", first.join(", "), more.len()),
        _ => names.join(", "),
    }
}

/// What is wrong with a stack.
#[derive(Clone, PartialEq)]
struct Wrong {
    stack: String,
    problem: Problem,
}

/// What a setup treatment comes to.
struct Row {
    /// Of the measured stack.
    config: Value,
    shape: Option<StackShape>,
    warnings: Vec<Remark>,
    problems: Vec<Wrong>,
}

impl Row {
    fn new(plan: &SweepPlan, stacks: &[String], overrides: &[Override]) -> Self {
        let mut row = Self {
            config: Value::Null,
            shape: None,
            warnings: Vec::new(),
            problems: Vec::new(),
        };
        let mut configs = Vec::with_capacity(stacks.len());
        for stack in stacks {
            let local = plan.platform == PlatformKind::Local && *stack == plan.stack;
            let resolved = plan.resolve(overrides, stack, local, plan.flags.token);
            row.warnings.extend(resolved.warnings);
            for problem in resolved.errors {
                row.wrong(stack, problem);
            }
            configs.push((stack.as_str(), resolved.config));
        }
        let claims: Vec<(&str, &Value)> = configs.iter().map(|(name, config)| (*name, config)).collect();
        for (stack, message) in host_claims(&claims) {
            let remark = Remark::error(message);
            row.wrong(stack, Problem { key: None, remark });
        }
        let measured = configs.into_iter().find(|(name, _)| *name == plan.stack);
        row.config = measured.map(|(_, config)| config).unwrap_or_default();
        match shape::of(&row.config) {
            Ok(shape) => row.shape = Some(shape),
            // Overrides that missed may be the reason, and are told already.
            Err(_) if !row.problems.is_empty() => {}
            Err(message) => {
                let key = key_in(&row.config, &message);
                let remark = Remark::error(message);
                row.wrong(&plan.stack, Problem { key, remark });
            }
        }
        row
    }

    fn wrong(&mut self, stack: &str, problem: Problem) {
        self.problems.push(Wrong {
            stack: stack.to_owned(),
            problem,
        });
    }
}

/// Plan one row; returns what its stack is to the simulator, where it is simulated.
fn setup(
    plan: &mut SweepPlan,
    treatment: &SetupTreatment,
    stacks: &[String],
    general: &[(Wrong, Remark)],
    remarks: &mut Vec<Remark>,
) -> Option<String> {
    let row = Row::new(plan, stacks, &treatment.overrides);
    for warning in row.warnings {
        push(remarks, warning);
    }
    for wrong in row.problems {
        let known = general.iter().find(|(general, _)| *general == wrong);
        let told = match known {
            Some((_, told)) => told.clone(),
            None => remark(plan, Some(treatment), &wrong.stack, wrong.problem),
        };
        push(remarks, told);
    }
    let (config, shape) = (&row.config, row.shape?);
    if !plan.simulated
        && let Some(message) = shape::plugins_missing(config, &shape)
    {
        push(remarks, message);
    }
    let told = plan.simulated.then(|| shape::as_simulated(config, &shape));
    if plan.simulated {
        for note in shape::beyond_rehearsal(config, &shape) {
            push(remarks, Remark::warning(format!("rehearsal: {note}")));
        }
    }
    let fingerprint = if plan.flags.token {
        // An outcome does not depend on where the token comes from: a resume may find another environment.
        let local = plan.platform == PlatformKind::Local;
        let resolved = plan.resolve(&treatment.overrides, &plan.stack, local, false);
        fingerprint::of_config(&resolved.config)
    } else {
        fingerprint::of_config(config)
    };
    plan.setups.push(SetupPlan {
        name: treatment.name.clone(),
        levels: treatment.levels.clone(),
        shape,
        fingerprint,
        overrides: treatment.overrides.clone(),
    });
    told
}

/// A constant stands once in the file, however many treatments it is in.
fn push(remarks: &mut Vec<Remark>, remark: Remark) {
    if !remarks.contains(&remark) {
        remarks.push(remark);
    }
}

/// Plan all columns.
///
/// Profiles of one's own are files relative to `cwd`.
pub(super) fn runs(plan: &mut SweepPlan, treatments: &[RunTreatment], cwd: &Path, remarks: &mut Vec<Remark>) {
    let mut parsed: Vec<(String, Option<(usize, Value)>)> = Vec::new();
    for treatment in treatments {
        let name = treatment.profile.clone().unwrap_or_else(|| plan.profile.clone());
        let position = parsed.iter().position(|(known, _)| *known == name);
        let position = position.unwrap_or_else(|| {
            let loaded = load(plan, &name, cwd).map_err(|remark| remarks.push(remark)).ok();
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

fn load(plan: &SweepPlan, name: &str, cwd: &Path) -> Result<(Profile, Value), Remark> {
    let profile = match profile::file(cwd, name, &plan.harness)? {
        Some(profile) => profile,
        None => profile::find(&plan.spec.base_dir, &plan.harness, &plan.profile_harness, name)?,
    };
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
        push(remarks, remark);
    }
    run.fingerprint = fingerprint::of_run(&plan.harness, &value, plan.parallelism);
    plan.runs.push(run);
}
