//! From flags to a plan, for every subcommand that plans: finding and reading the experiment file, making the plan, and
//! telling what there is to say about both.

use super::exit::{self, Exit};
use super::output::{colored, say};
use crate::diagnostic;
use crate::experiment::{self, Design, Source};
use crate::logs;
use crate::plan::{self, PlanError, RenderedSetup, Request, SetupPlan, SweepPlan};
use crate::text::sanitize;
use std::io;
use std::path::{Path, PathBuf};

/// llm-d-benchmark's older variable for the experiment file; `LLMDBENCH_EXPERIMENTS` beats it.
pub(super) const TREATMENTS_VARIABLE: &str = "LLMDBENCH_HARNESS_EXPERIMENT_TREATMENTS";

/// The current folder.
pub(super) fn current_folder() -> Result<PathBuf, Exit> {
    std::env::current_dir().map_err(|error| {
        Exit::new(
            exit::ENVIRONMENT,
            format!("cannot tell the current folder: {error}"),
        )
    })
}

/// Where instances go when neither flag nor scenario says.
const WORKSPACE: &str = "workspaces";

/// The folder of all instances: the flag's, the scenario's, or one in the current folder, which no clean-up of temporary
/// files takes away.
pub(super) fn workspace(flag: Option<&Path>, plan: &SweepPlan) -> PathBuf {
    if let Some(root) = flag {
        return expanded(root);
    }
    let config = plan.setups.first().map(|setup| plan.config(setup));
    let work_dir = config
        .as_ref()
        .and_then(|config| config.get("workDir"))
        .and_then(|value| value.as_str())
        .filter(|path| !path.is_empty());
    work_dir.map_or_else(|| PathBuf::from(WORKSPACE), |path| expanded(Path::new(path)))
}

/// `~` as the shell would have expanded it; from the environment it comes as it is.
pub(super) fn expanded(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.to_owned(),
    }
}

/// The experiment that the flag names, or the older variable.
pub(super) fn experiment_named(flag: Option<&str>) -> Option<String> {
    flag.map(str::to_owned).or_else(|| {
        std::env::var(TREATMENTS_VARIABLE)
            .ok()
            .filter(|name| !name.is_empty())
    })
}

/// The experiment file called `name`.
pub(super) fn experiment(name: &str, cwd: &Path) -> Result<Source, Exit> {
    experiment::find(name, cwd).map_err(|error| Exit::new(exit::USAGE, error.to_string()))
}

/// The treatments of an experiment file; what the linter finds is said.
pub(super) fn design(source: &Source) -> Result<Design, Exit> {
    let loaded = experiment::load(source);
    if !loaded.findings.is_empty() {
        let color = colored(&io::stderr());
        say(diagnostic::render(&source.name, &source.text, &loaded.findings, color).trim_end());
    }
    loaded.design.ok_or_else(|| {
        Exit::new(
            exit::USAGE,
            format!("{} is refused; nothing was started", sanitize(&source.name)),
        )
    })
}

/// The plan; errors and warnings are said, warnings are logged as well.
pub(super) fn make(request: &Request) -> Result<SweepPlan, Exit> {
    told(plan::make(request))
}

/// A plan that was made, or not: what there is to say about it is said.
pub(super) fn told(made: Result<SweepPlan, PlanError>) -> Result<SweepPlan, Exit> {
    let color = colored(&io::stderr());
    let plan = made.map_err(|error| {
        say(error.render(color).trim_end());
        Exit::new(exit::USAGE, "there is no plan for this; nothing was started")
    })?;
    for warning in &plan.warnings {
        say(warning.render(color).trim_end());
        // Said on stderr already, where warnings of the log would go too.
        tracing::info!("{}", warning.finding.message);
    }
    Ok(plan)
}

/// The files of `setups`; errors are said.
pub(super) fn rendered(plan: &SweepPlan, setups: &[&SetupPlan]) -> Result<Vec<RenderedSetup>, Exit> {
    plan.render(setups).map_err(|error| {
        say(error.render(colored(&io::stderr())).trim_end());
        Exit::new(exit::USAGE, "the plan cannot be rendered; nothing was written")
    })
}

/// Flags and experiment are kept with what is made of them as they are; so no secret may be in them.
pub(super) fn refuse_secrets<'a>(
    flags: impl Iterator<Item = (&'a str, &'a String)>,
    source: Option<&Source>,
) -> Result<(), Exit> {
    let advice = "it would be kept on disk; set it in the environment (HF_TOKEN) or in the cluster instead";
    let is_secret = |text: &str| logs::redact(text) != text;
    for (name, value) in flags {
        if is_secret(value) {
            let key = value.split('=').next().unwrap_or_default();
            return Err(Exit::new(
                exit::USAGE,
                format!("{name} {key} holds what looks like a secret: {advice}"),
            ));
        }
    }
    let Some(source) = source else { return Ok(()) };
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
