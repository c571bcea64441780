//! From flags to a plan: the experiment file, the specification, and what a resumed sweep was begun with.

use super::flags::{InputFlags, PlatformFlag};
use super::{Exit, exit};
use crate::diagnostic;
use crate::experiment::{self, Source};
use crate::harness;
use crate::logs;
use crate::plan::{self, PlatformKind, SweepPlan};
use crate::text::sanitize;
use crate::workspace::{Input, Instance};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// The flags of a sweep, in its instance's `plan` folder.
const FLAGS_FILE: &str = "flags.json";
/// The experiment file as it was read, beside them.
const EXPERIMENT_FILE: &str = "experiment.yaml";
/// llm-d-benchmark's older variable for the experiment file; `LLMDBENCH_EXPERIMENTS` beats it.
const TREATMENTS_VARIABLE: &str = "LLMDBENCH_HARNESS_EXPERIMENT_TREATMENTS";

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
    let cwd = std::env::current_dir().map_err(|error| {
        Exit::new(
            exit::ENVIRONMENT,
            format!("cannot tell the current folder: {error}"),
        )
    })?;
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
    refuse_secrets(&flags, &source)?;
    let plan = plan(&flags, &source, cwd)?;
    let inputs = inputs(&flags, &source, &plan)?;
    Ok(Prepared { plan, inputs })
}

/// Flags and experiment are kept with the sweep as they are, since a resume needs them; so no secret may be in them.
fn refuse_secrets(flags: &InputFlags, source: &Source) -> Result<(), Exit> {
    let advice =
        "it would be kept with the sweep; set it in the environment (HF_TOKEN) or in the cluster instead";
    let is_secret = |text: &str| logs::redact(text) != text;
    let flag = flags.set.iter().map(|value| ("--set", value));
    let flag = flag.chain(flags.overrides.iter().map(|value| ("-o", value)));
    for (name, value) in flag {
        if is_secret(value) {
            let key = value.split('=').next().unwrap_or_default();
            return Err(Exit::new(
                exit::USAGE,
                format!("{name} {key} holds what looks like a secret: {advice}"),
            ));
        }
    }
    let text = String::from_utf8_lossy(&source.text);
    match text.lines().position(is_secret) {
        None => Ok(()),
        Some(line) => Err(Exit::new(
            exit::USAGE,
            format!(
                "{}:{} holds what looks like a secret: {advice}",
                source.name,
                line + 1
            ),
        )),
    }
}

/// Paths that do not depend on where a resume is typed.
fn absolute(mut flags: InputFlags, cwd: &Path) -> InputFlags {
    for path in [&mut flags.base_dir, &mut flags.cluster_config] {
        *path = path.take().map(|path| cwd.join(expanded(&path)));
    }
    if let Some(spec) = &flags.spec
        && cwd.join(spec).is_file()
    {
        flags.spec = Some(cwd.join(spec).display().to_string());
    }
    flags
}

/// `~` as the shell would have expanded it; from the environment it comes as it is.
pub(super) fn expanded(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.to_owned(),
    }
}

fn find(flags: &InputFlags, cwd: &Path) -> Result<Source, Exit> {
    let older = std::env::var(TREATMENTS_VARIABLE)
        .ok()
        .filter(|name| !name.is_empty());
    let Some(name) = flags.experiments.clone().or(older) else {
        return Err(Exit::new(
            exit::USAGE,
            format!(
                "no experiment is named: give --experiments FILE, or set LLMDBENCH_EXPERIMENTS or {TREATMENTS_VARIABLE}; \
                 `--experiments quickstart` is a good first one"
            ),
        ));
    };
    experiment::find(&name, cwd).map_err(|error| Exit::new(exit::USAGE, error.to_string()))
}

fn plan(flags: &InputFlags, source: &Source, cwd: PathBuf) -> Result<SweepPlan, Exit> {
    let color =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let loaded = experiment::load(source);
    if !loaded.findings.is_empty() {
        let text = diagnostic::render(&source.name, &source.text, &loaded.findings, color);
        super::say(text.trim_end());
    }
    let Some(design) = loaded.design else {
        return Err(Exit::new(
            exit::USAGE,
            format!("{} is refused; nothing was started", sanitize(&source.name)),
        ));
    };
    let Some(spec) = flags.spec.clone() else {
        return Err(Exit::new(
            exit::USAGE,
            "no specification is named: give --spec NAME or set LLMDBENCH_SPEC; `--spec local` needs nothing but this \
             machine",
        ));
    };
    let mut request = plan::Request::new(spec, source.clone(), design);
    request.cwd = cwd;
    request.base_dir.clone_from(&flags.base_dir);
    request.harness.clone_from(&flags.harness);
    request.workload.clone_from(&flags.workload);
    request.dataset.clone_from(&flags.dataset);
    request.overrides.extend(flags.overrides.clone());
    request.set.clone_from(&flags.set);
    request.cluster_config.clone_from(&flags.cluster_config);
    request.namespace.clone_from(&flags.namespace);
    request.methods.clone_from(&flags.methods);
    request.models.clone_from(&flags.models);
    request.parallelism = flags.parallelism.map_or(1, Into::into);
    request.stack.clone_from(&flags.stack);
    request.description.clone_from(&flags.run_description);
    request.keywords.clone_from(&flags.run_keywords);
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
    let plan = plan::make(&request).map_err(|error| {
        super::say(error.render(color).trim_end());
        // A harness that is not installed often has no profiles either: say both, not one after the other.
        if let Some(missing) = flags.harness.as_deref().and_then(harness::missing_tool) {
            super::say_missing(&missing);
        }
        Exit::new(exit::USAGE, "there is no plan for this; nothing was started")
    })?;
    for warning in &plan.warnings {
        super::say(warning.render(color).trim_end());
        // Said on stderr already, where warnings of the log would go too.
        tracing::info!("{}", warning.finding.message);
    }
    Ok(plan)
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
