//! From flags to a plan: the experiment file, the specification, and what a resumed sweep was begun with.

use super::super::output::colored;
use super::super::planning::{self, TREATMENTS_VARIABLE};
use super::flags::{InputFlags, PlatformFlag};
use super::stand_in::stand_in;
use super::{Exit, exit};
use crate::experiment::Source;
use crate::harness;
use crate::logs;
use crate::plan::{PlatformKind, SweepPlan};
use crate::workspace::{Input, Instance};
use std::io;
use std::path::{Path, PathBuf};

/// The flags of a sweep, in its instance's `plan` folder.
const FLAGS_FILE: &str = "flags.json";
/// The experiment file as it was read, beside them.
const EXPERIMENT_FILE: &str = "experiment.yaml";

/// A sweep that can be opened.
pub(super) struct Prepared {
    pub(super) plan: SweepPlan,
    /// What is kept in the instance, so that a resume needs nothing else.
    pub(super) inputs: Vec<Input>,
}

/// Flags and experiment of a sweep that was begun earlier.
pub(super) struct Begun {
    flags: InputFlags,
    source: Source,
}

impl Begun {
    /// What the instance keeps.
    pub(super) fn read(instance: &Instance) -> Result<Self, Exit> {
        let read = |name: &str| {
            let path = instance.plan().join(name);
            std::fs::read(&path).map_err(|error| {
                Exit::new(
                    exit::USAGE,
                    format!(
                        "cannot resume the sweep in {}: reading what it was begun with, {}, failed: {error}",
                        instance.path().display(),
                        path.display()
                    ),
                )
            })
        };
        let flags: InputFlags = serde_json::from_slice(&read(FLAGS_FILE)?).map_err(|error| {
            Exit::new(
                exit::USAGE,
                format!(
                    "cannot resume the sweep in {}: {FLAGS_FILE} in its plan folder is damaged: {error}; give --spec and \
                     --experiments as at its beginning",
                    instance.path().display()
                ),
            )
        })?;
        let name = flags.experiments.clone().unwrap_or_default();
        let stem = Path::new(&name).file_stem().map_or_else(
            || "experiment".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        Ok(Self {
            source: Source {
                name: instance.plan().join(EXPERIMENT_FILE).display().to_string(),
                stem,
                path: None,
                text: read(EXPERIMENT_FILE)?,
            },
            flags,
        })
    }
}

/// Plan the sweep that the flags ask for, on top of those it was begun with. Warnings go to stderr and the log.
pub(super) fn prepare(flags: InputFlags, begun: Option<Begun>) -> Result<Prepared, Exit> {
    let cwd = planning::current_folder()?;
    let (flags, kept) = match begun {
        None => (flags, None),
        Some(begun) => {
            let named = flags.experiments.is_some();
            (flags.over(begun.flags), (!named).then_some(begun.source))
        }
    };
    let mut flags = absolute(flags, &cwd);
    let source = if let Some(source) = kept {
        source
    } else {
        let source = find(&flags, &cwd)?;
        flags.experiments = Some(source.path.as_ref().map_or_else(
            || source.stem.clone(),
            |path| cwd.join(path).display().to_string(),
        ));
        source
    };
    let flag = flags.plan.set.iter().map(|value| ("--set", value));
    let flag = flag.chain(flags.overrides.iter().map(|value| ("-o", value)));
    planning::refuse_secrets(flag, Some(&source))?;
    let plan = plan(&flags, &source, cwd)?;
    let inputs = inputs(&flags, &source, &plan)?;
    Ok(Prepared { plan, inputs })
}

/// Paths that do not depend on where a resume is typed.
fn absolute(mut flags: InputFlags, cwd: &Path) -> InputFlags {
    flags.plan = flags.plan.absolute(cwd);
    if let Some(workload) = &flags.workload
        && cwd.join(workload).is_file()
    {
        flags.workload = Some(cwd.join(workload).display().to_string());
    }
    flags
}

fn find(flags: &InputFlags, cwd: &Path) -> Result<Source, Exit> {
    let Some(name) = planning::experiment_named(flags.experiments.as_deref()) else {
        return Err(Exit::new(
            exit::USAGE,
            format!(
                "no experiment is named: give --experiments FILE, or set LLMDBENCH_EXPERIMENTS or \
                 {TREATMENTS_VARIABLE}; `--experiments quickstart` is a good first one"
            ),
        ));
    };
    planning::experiment(&name, cwd)
}

fn plan(flags: &InputFlags, source: &Source, cwd: PathBuf) -> Result<SweepPlan, Exit> {
    let design = planning::design(source)?;
    let mut request = flags.plan.request(source.clone(), design, cwd)?;
    request.harness.clone_from(&flags.harness);
    request.workload.clone_from(&flags.workload);
    request.dataset.clone_from(&flags.dataset);
    request.overrides.extend(flags.overrides.clone());
    request.parallelism = flags.parallelism.map_or(1, Into::into);
    request.wait_timeout = flags.wait_timeout;
    request.stop_on_error = flags.stop_on_error;
    request.skip_teardown = flags.skip_teardown;
    request.platform = match flags.platform {
        None | Some(PlatformFlag::Local) => PlatformKind::Local,
    };
    let policy = &mut request.design.policy;
    if let Some(attempts) = flags.treatment_max_attempts {
        policy.treatment_max_attempts = attempts;
    }
    policy.treatment_stop_on_error |= flags.treatment_stop_on_error;
    policy.validate_failures |= flags.validate_failures;
    if let Some(remark) = stand_in(&mut request) {
        super::say(remark.render(colored(&io::stderr())).trim_end());
        tracing::info!("{}", remark.finding.message);
    }
    planning::make(&request).inspect_err(|_| {
        // A harness that is not installed often has no profiles either: say both, not one after the other.
        if let Some(missing) = flags.harness.as_deref().and_then(harness::missing_tool) {
            super::say_missing(&missing);
        }
    })
}

fn inputs(flags: &InputFlags, source: &Source, plan: &SweepPlan) -> Result<Vec<Input>, Exit> {
    let flags = serde_json::to_vec_pretty(flags).map_err(|error| {
        Exit::new(
            exit::ENVIRONMENT,
            format!("cannot write down what the sweep is made from: {error}"),
        )
    })?;
    let input = |name: &str, bytes: &[u8]| Input {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
    };
    let spec = &plan.spec;
    Ok(vec![
        input(EXPERIMENT_FILE, &source.text),
        input(FLAGS_FILE, &flags),
        // For the record alone; secrets in them are none of the record's business.
        input("spec.yaml", logs::redact(&spec.rendered.text).as_bytes()),
        input("scenario.yaml", logs::redact(&spec.scenario.text).as_bytes()),
        input("defaults.yaml", logs::redact(&spec.values.text).as_bytes()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As versions wrote it that knew fewer flags, in another order.
    const OLDER: &str = r#"{
        "spec": "local", "experiments": "quickstart", "base_dir": null, "platform": "local", "harness": null,
        "overrides": null, "set": ["a.b=1"], "parallelism": 2, "stack": "one", "stop_on_error": true
    }"#;

    #[test]
    fn flags_of_older_sweeps_can_be_read() {
        let flags: InputFlags = serde_json::from_str(OLDER).unwrap();
        assert_eq!(flags.plan.spec.as_deref(), Some("local"));
        assert_eq!(
            (flags.plan.set.len(), flags.plan.stack.as_deref()),
            (1, Some("one"))
        );
        assert_eq!(flags.parallelism.map(u32::from), Some(2));
        assert!(flags.stop_on_error && flags.plan.monitoring().is_none());
        let again: InputFlags = serde_json::from_str(&serde_json::to_string(&flags).unwrap()).unwrap();
        assert_eq!(again, flags);
    }
}
