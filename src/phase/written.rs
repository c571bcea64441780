//! What phases write beside results: resolved configs, rendered profiles, and what an attempt found before it began.

use crate::disk::replace_file;
use crate::engine::{AttemptRef, Failure};
use crate::plan::{EffectiveConfig, RenderedProfile, RoleConfig, SetupPlan, SweepPlan, without_secrets};
use crate::platform::StackSpec;
use crate::workspace::Instance;
use crate::yaml;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Stands first in every file about a rehearsal.
const MARK: &str = "# SIMULATED: this sweep is a rehearsal; no accelerator was used.\n";

/// The stack a setup treatment is planned to be.
pub(super) fn planned(setup: &SetupPlan) -> EffectiveConfig {
    EffectiveConfig {
        model: setup.shape.model.clone(),
        roles: setup
            .shape
            .roles
            .iter()
            .map(|role| RoleConfig {
                role: role.name.to_owned(),
                replicas: role.replicas,
                tensor_parallelism: role.tensor_parallelism,
                data_parallelism: role.data_parallelism,
            })
            .collect(),
        plugin_config: setup.shape.plugin_config.clone(),
        restarts: 0,
        incarnation: String::new(),
    }
}

/// Write the resolved config of a stack into its plan folder, without secrets.
pub(super) fn config(plan: &SweepPlan, instance: &Instance, spec: &StackSpec) -> Result<(), Failure> {
    let folder = instance.setup(&spec.setup_name).join("plan").join(&plan.stack);
    let text = yaml::to_string(&without_secrets(&spec.config));
    write(&folder.join("config.yaml"), &marked(plan, &text))
}

/// Where the profile of a run treatment lies.
pub(super) fn profile_path(plan: &SweepPlan, instance: &Instance, setup: &str, name: &str) -> PathBuf {
    instance
        .profiles(setup, &plan.profile_harness)
        .join(format!("{name}.yaml"))
}

/// Write the profile of an attempt.
pub(super) fn profile(
    plan: &SweepPlan,
    instance: &Instance,
    setup: &str,
    profile: &RenderedProfile,
) -> Result<(), Failure> {
    let path = profile_path(plan, instance, setup, &profile.name);
    write(&path, &marked(plan, &yaml::to_string(&profile.value)))
}

/// What an attempt found before it began. On disk before the harness is started: where it is there, an earlier engine
/// has come that far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// What the stack said it was, or why it did not say.
    pub(super) effective: Result<EffectiveConfig, Failure>,
}

impl Before {
    fn path(instance: &Instance, setup: &str, attempt: &AttemptRef) -> PathBuf {
        instance
            .setup(setup)
            .join("run")
            .join(format!("{}.json", attempt.experiment_id))
    }

    /// What an earlier engine wrote, if it came that far.
    pub(super) fn read(instance: &Instance, setup: &str, attempt: &AttemptRef) -> Option<Self> {
        let bytes = std::fs::read(Self::path(instance, setup, attempt)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Put it on disk.
    pub(super) fn write(
        &self,
        instance: &Instance,
        setup: &str,
        attempt: &AttemptRef,
    ) -> Result<(), Failure> {
        let path = Self::path(instance, setup, attempt);
        let text = serde_json::to_string(self)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
        write(&path, &text)
    }
}

fn marked(plan: &SweepPlan, text: &str) -> String {
    if plan.simulated {
        format!("{MARK}{text}")
    } else {
        text.to_owned()
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| replace_file(path, text.as_bytes()))
        .map_err(|error| {
            Failure::new(format!("cannot write {}: {error}", path.display()))
                .with_hint("look at the disk's space and the folder's permissions")
        })
}
