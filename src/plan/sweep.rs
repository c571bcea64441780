//! The plan of a sweep: all that is needed to run it, once per setup treatment and once per run treatment, never once
//! per cell.

use super::base::Layer;
use super::base_dir::Document;
use super::cluster::Cluster;
use super::flags::Flags;
use super::profile::{self, Profile};
use super::provenance::Provenance;
use super::remark::Remark;
use super::resolve::{self, Resolved, Versions};
use super::scenario::Stack;
use super::set::Assignment;
use super::shape::StackShape;
use super::spec::Spec;
use crate::engine::{SweepOpened, TreatmentInfo};
use crate::experiment::{Level, Override, RetryPolicy, RunId, SetupId, apply_overrides};
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where stacks and harnesses live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformKind {
    /// Processes on this machine.
    Local,
    /// A cluster.
    Kubernetes,
}

impl PlatformKind {
    /// The word in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// What to run, where, and how.
#[derive(Debug)]
pub struct SweepPlan {
    /// The experiment's title.
    pub experiment: String,
    /// The experiment file as it was read.
    pub experiment_file: Document,
    /// The spec, with the defaults and the scenario it names.
    pub spec: Spec,
    /// The entry of the scenario that is measured.
    pub stack: String,
    /// Where stacks and harnesses live.
    pub platform: PlatformKind,
    /// Whether servers are simulated: everything shown or written says so.
    pub simulated: bool,
    /// What generates the load.
    pub harness: String,
    /// The harness whose profiles it reads: another one where the built-in load generator stands in.
    pub profile_harness: String,
    /// The workload profile, without suffixes; a run treatment may have another one.
    pub profile: String,
    /// Where the data set of the workload comes from.
    pub dataset_url: Option<String>,
    /// Harness processes per cell; at least 1.
    pub parallelism: u32,
    /// Retries and result gates.
    pub policy: RetryPolicy,
    /// Share of a cell's requests that may fail, from 0 to 1.
    pub failure_limit: f64,
    /// How long the harness of a cell may take; `None` waits for ever.
    pub timeout: Option<Duration>,
    /// End the sweep at the first failed setup or cell.
    pub stop_on_error: bool,
    /// Leave stacks up at the end.
    pub skip_teardown: bool,
    /// Rows, in the experiment's order.
    pub setups: Vec<SetupPlan>,
    /// Columns, in the experiment's order.
    pub runs: Vec<RunPlan>,
    /// What the operator should know before the start.
    pub warnings: Vec<Remark>,
    pub(super) sweep_id: String,
    pub(super) stacks: Vec<Stack>,
    pub(super) scenario: String,
    pub(super) known: Value,
    pub(super) cluster_config: Option<Layer>,
    pub(super) overlays: BTreeMap<String, Result<Layer, Remark>>,
    pub(super) sets: Vec<Assignment>,
    pub(super) flags: Flags,
    pub(super) cluster: Cluster,
    pub(super) versions: Versions,
    pub(super) profiles: Vec<Profile>,
    pub(super) profile_overrides: Vec<Override>,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct SetupPlan {
    /// Unique among the rows; safe as a folder name.
    pub name: String,
    /// Factor values for headers.
    pub levels: Vec<Level>,
    /// The servers it comes to.
    pub shape: StackShape,
    /// Hash of the resolved config.
    pub fingerprint: String,
    pub(super) overrides: Vec<Override>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    /// Unique among the columns; safe as part of a file name.
    pub name: String,
    /// Factor values for headers.
    pub levels: Vec<Level>,
    /// File name of the rendered profile, without `.yaml`.
    pub profile_name: String,
    /// Hash of profile, harness and parallelism.
    pub fingerprint: String,
    pub(super) profile: usize,
    pub(super) overrides: Vec<Override>,
}

/// A workload profile with everything filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedProfile {
    /// File name, without `.yaml`.
    pub name: String,
    /// What it says.
    pub value: Value,
}

/// Why a part of the plan could not be made again. Planning has made each part once, so this is a defect.
#[derive(Debug, thiserror::Error)]
#[error("the plan of {treatment} cannot be rendered: {reason}")]
pub struct RenderError {
    /// The treatment.
    pub treatment: String,
    /// Why.
    pub reason: String,
}

impl SweepPlan {
    /// The row `setup`.
    pub fn setup(&self, setup: SetupId) -> Option<&SetupPlan> {
        self.setups.get(setup.index())
    }

    /// The column `run`.
    pub fn run(&self, run: RunId) -> Option<&RunPlan> {
        self.runs.get(run.index())
    }

    /// The names of the stacks that are planned, in the scenario's order.
    pub fn stacks(&self) -> Vec<&str> {
        let wanted = &self.flags.stacks;
        self.stacks
            .iter()
            .map(|stack| stack.name.as_str())
            .filter(|name| wanted.is_empty() || wanted.iter().any(|one| one == name))
            .collect()
    }

    /// What a stack comes to in a setup treatment, as for a cluster. Made on demand: a thousand of them would fill the
    /// memory. A stack that the scenario does not have is an error in it.
    pub fn resolved(&self, setup: &SetupPlan, stack: &str) -> Resolved {
        self.resolve(&setup.overrides, stack, false, self.flags.token)
    }

    /// The config of the measured stack in a setup treatment, on the platform of the plan.
    pub fn config(&self, setup: &SetupPlan) -> Value {
        let local = self.platform == PlatformKind::Local;
        self.resolve(&setup.overrides, &self.stack, local, self.flags.token)
            .config
    }

    /// Run the chain; `local` for this machine, `token` where the environment has one.
    pub(super) fn resolve(&self, overrides: &[Override], stack: &str, local: bool, token: bool) -> Resolved {
        let Some(stack) = self.stacks.iter().find(|one| one.name == stack) else {
            let message = format!("the scenario has no stack {stack}");
            return Resolved::refused(Remark::error(message));
        };
        resolve::resolve(&resolve::Context {
            plan: self,
            stack,
            setup: "",
            overrides,
            local,
            token,
        })
    }

    /// Where each value of [`Self::resolved`] comes from. Empty of a stack that the scenario does not have.
    pub fn provenance(&self, setup: &SetupPlan, stack: &str) -> Provenance {
        self.history(&setup.name, &setup.overrides, stack)
    }

    /// The input file that messages call `name`.
    pub fn document(&self, name: &str) -> Option<&Document> {
        let files = [&self.experiment_file, &self.spec.values, &self.spec.scenario];
        let overlays = self.overlays.values().flatten();
        let layers = self.cluster_config.iter().chain(overlays);
        files
            .into_iter()
            .chain(layers.map(|layer| &layer.document))
            .find(|document| document.name == name)
    }

    pub(super) fn history(&self, setup: &str, overrides: &[Override], stack: &str) -> Provenance {
        let Some(stack) = self.stacks.iter().find(|one| one.name == stack) else {
            return Provenance::default();
        };
        Provenance::replay(&resolve::Context {
            plan: self,
            stack,
            setup,
            overrides,
            local: false,
            token: self.flags.token,
        })
    }

    /// The profile of a run treatment for a stack with this config that answers at `endpoint`.
    pub fn render_profile(
        &self,
        run: &RunPlan,
        config: &Value,
        endpoint: &str,
    ) -> Result<RenderedProfile, RenderError> {
        let failed = |reason: String| RenderError {
            treatment: run.name.clone(),
            reason,
        };
        let template = self
            .profiles
            .get(run.profile)
            .ok_or_else(|| failed("its profile is not part of the plan".to_owned()))?;
        let values = profile::placeholders(config, endpoint, self.dataset_url.as_deref());
        let text = profile::fill(&template.template.text, &values);
        let mut value = yaml::from_str(&text).map_err(|finding| {
            failed(format!(
                "{} is no YAML once its placeholders are filled: line {}: {}",
                template.template.name, finding.span.line, finding.message
            ))
        })?;
        self.override_profile(&mut value, run);
        Ok(RenderedProfile {
            name: run.profile_name.clone(),
            value,
        })
    }

    /// Put a run treatment's values, and then those of `-o`, into a profile.
    pub(super) fn override_profile(
        &self,
        profile: &mut Value,
        run: &RunPlan,
    ) -> [Vec<crate::diagnostic::Finding>; 2] {
        let what = format!(
            "the profile {}",
            self.profiles.get(run.profile).map_or("", |p| &p.stem)
        );
        [
            apply_overrides(profile, &run.overrides, &what),
            apply_overrides(profile, &self.profile_overrides, &what),
        ]
    }

    /// The first record of the sweep's journal.
    pub fn opened(&self) -> SweepOpened {
        let info = |name: &str, levels: &[Level], fingerprint: &str| TreatmentInfo {
            name: name.to_owned(),
            levels: levels.to_vec(),
            fingerprint: fingerprint.to_owned(),
        };
        SweepOpened {
            sweep_id: self.sweep_id.clone(),
            experiment: self.experiment.clone(),
            platform: self.platform.name().to_owned(),
            simulated: self.simulated,
            harness: self.harness.clone(),
            profile: self.profile.clone(),
            parallelism: self.parallelism,
            policy: self.policy,
            stop_on_error: self.stop_on_error,
            skip_teardown: self.skip_teardown,
            setups: self
                .setups
                .iter()
                .map(|setup| info(&setup.name, &setup.levels, &setup.fingerprint))
                .collect(),
            runs: self
                .runs
                .iter()
                .map(|run| info(&run.name, &run.levels, &run.fingerprint))
                .collect(),
        }
    }
}
